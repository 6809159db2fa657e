// What is drawn on the map of codes: the prior's circles, a mark for each code, the cloud of q(z|x).

import { colour, kindColour } from "./dom.js";

/** @typedef {import("./state.js").App} App */

const MARKERS = ["circle", "square", "up", "diamond", "down", "plus", "cross"];

/** The point of a code on the map; with one dimension the map's height is q's standard deviation.
 * @param {App} app @param {ArrayLike<number>} z */
export function zPoint(app, z) {
  const point = app.toMap(z);
  return app.model.latentDim === 1 ? [point[0], Math.exp(0.5 * app.weighed.logvar[0])] : point;
}

/** The part of the plane that is shown. @param {App} app */
export function mapView(app) {
  const one = app.model.latentDim === 1;
  const origin = app.toMap(new Float64Array(app.model.latentDim));
  let reach = 3;
  let tallest = 1;
  app.data.codes.forEach((v, i) => {
    const away = one && i % 2 ? 0 : Math.abs(v - (origin[i % 2] ?? 0));
    if (away > reach) reach = away;
    if (i % 2 && v > tallest) tallest = v;
  });
  const half = 1.04 * reach;
  const [cx, cy] = [origin[0], one ? 0.5 * tallest : origin[1]];
  const halfY = one ? 0.6 * tallest : half;
  return {
    /** @param {number[]} p @param {number} side */
    toScreen: (p, side) => [
      ((p[0] - cx + half) / (2 * half)) * side,
      ((cy + halfY - p[1]) / (2 * halfY)) * side,
    ],
    /** @param {number} x @param {number} y */
    toMap: (x, y) => [cx - half + 2 * half * x, cy + halfY - 2 * halfY * y],
    half,
    halfY,
    origin: [origin[0], one ? 0 : origin[1]],
    one,
  };
}
/** @typedef {ReturnType<typeof mapView>} View */

/** Circles of the prior and a mark for each code.
 * @param {HTMLCanvasElement} still @param {HTMLCanvasElement} canvas @param {App} app @param {View} view @param {number} side */
export function paintStill(still, canvas, app, view, side) {
  still.width = canvas.width;
  still.height = canvas.height;
  const context = /** @type {CanvasRenderingContext2D} */ (still.getContext("2d"));
  context.scale(canvas.width / side, canvas.width / side);
  context.fillStyle = colour("paper");
  context.fillRect(0, 0, side, side);
  const { codes, kinds } = app.data;
  const size = Math.max(side / 160, 1.8);
  context.globalAlpha = 0.65; // what moves stands out
  for (let i = 0; i < codes.length / 2; i++) {
    const [x, y] = view.toScreen([codes[2 * i], codes[2 * i + 1]], side);
    context.fillStyle = kinds ? kindColour(kinds[i]) : colour("quiet");
    marker(context, x, y, size, kinds ? kinds[i] : 0);
  }
  context.globalAlpha = 1;
  context.strokeStyle = colour("quiet");
  context.fillStyle = colour("quiet");
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  const [x, y] = view.toScreen(view.origin, side);
  for (const sigmas of [1, 2, 3]) {
    const radius = (sigmas / (2 * view.half)) * side;
    context.setLineDash([2, 4]);
    if (view.one) {
      for (const at of [x - radius, x + radius]) context.strokeRect(at, 0, 0, side);
    } else {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
    }
    context.fillText(String(sigmas), x + radius, (view.one ? side : y) - 4);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} r @param {number} kind */
export function marker(context, x, y, r, kind) {
  const shape = MARKERS[kind % MARKERS.length];
  context.beginPath();
  if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") context.rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else if (shape === "plus" || shape === "cross") {
    context.translate(x, y);
    if (shape === "cross") context.rotate(Math.PI / 4);
    context.rect(-1.3 * r, -0.4 * r, 2.6 * r, 0.8 * r);
    context.rect(-0.4 * r, -1.3 * r, 0.8 * r, 2.6 * r);
    context.fill();
    if (shape === "cross") context.rotate(-Math.PI / 4);
    context.translate(-x, -y);
    return;
  } else {
    const corners = shape === "diamond" ? 4 : 3;
    for (let k = 0; k < corners; k++) {
      const angle = (2 * Math.PI * k) / corners + (shape === "down" ? Math.PI / 2 : -Math.PI / 2);
      context.lineTo(x + 1.2 * r * Math.cos(angle), y + 1.2 * r * Math.sin(angle));
    }
  }
  context.fill();
}

/** q(z|x): ellipses of 1 and 2 standard deviations, and samples.
 * @param {CanvasRenderingContext2D} context @param {App} app @param {View} view
 * @param {Float64Array[]} faint @param {number} side */
export function paintPosterior(context, app, view, faint, side) {
  const { mu, logvar, z } = app.weighed;
  const sigma = logvar.map((v) => Math.exp(0.5 * v));
  const unit = side / (2 * view.half);
  const [x, y] = view.toScreen(zPoint(app, mu), side);
  const { long, short, angle } = ellipse(app, sigma);
  context.fillStyle = colour("now");
  context.globalAlpha = 0.55;
  for (const noise of faint) {
    const [px, py] = view.toScreen(
      zPoint(
        app,
        mu.map((m, i) => m + sigma[i] * noise[i]),
      ),
      side,
    );
    context.fillRect(px - 1, py - 1, 2, 2);
  }
  context.globalAlpha = 1;
  for (const [wider, name] of /** @type {[number, string][]} */ ([
    [3, "card"],
    [0, "now"],
  ])) {
    context.strokeStyle = colour(name); // a rim of paper, to be seen among the marks
    for (const times of [1, 2]) {
      context.lineWidth = (times === 1 ? 3 : 1.5) + wider;
      context.beginPath();
      context.ellipse(
        x,
        y,
        Math.max(times * long * unit, 1),
        Math.max(times * short * unit, 1),
        -angle,
        0,
        2 * Math.PI,
      );
      context.stroke();
    }
  }
  for (const one of z) {
    const [px, py] = view.toScreen(zPoint(app, one), side);
    context.beginPath();
    context.arc(px, py, 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}

/** Axes of the ellipse that N(mu, diag(sigma^2)) throws onto the map: eigenvalues of a 2 by 2 matrix.
 * @param {App} app @param {Float64Array} sigma */
function ellipse(app, sigma) {
  const [u, v] = app.data.plane.directions;
  let [a, b, c] = [0, 0, 0];
  sigma.forEach((s, i) => {
    a += u[i] * u[i] * s * s;
    b += u[i] * v[i] * s * s;
    c += v[i] * v[i] * s * s;
  });
  const middle = (a + c) / 2;
  const spread = Math.hypot((a - c) / 2, b);
  return {
    long: Math.sqrt(middle + spread),
    short: Math.sqrt(Math.max(middle - spread, 0)),
    angle: 0.5 * Math.atan2(2 * b, a - c),
  };
}
