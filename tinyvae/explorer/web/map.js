// The map of codes: where the test set lies, q(z|x) of what is in the reader's hand, and z, which
// walks over it while the decoder paints.

import { mean, decode } from "./vae.js";
import { arrow, colour, element, kindColour, make, onRedraw, place, sharpen, words } from "./dom.js";
import { paintRow } from "./paint.js";
import { paintCross } from "./dataplane.js";
import { noiseRows } from "./random.js";

/** @typedef {import("./state.js").App} App */

const FAINT_SAMPLES = 60; // of q(z|x), besides those that are decoded
const MARKERS = ["circle", "square", "up", "diamond", "down", "plus", "cross"];

/** @param {App} app */
export function setUpMap(app) {
  const canvas = element("map", "canvas");
  const painted = element("painted", "canvas");
  const view = mapView(app);
  const faint = noiseRows(FAINT_SAMPLES, app.model.latentDim, 99);
  const still = document.createElement("canvas"); // what does not change with x or z
  let stillFor = "";
  element("map-lead").textContent = mapWords(app);
  addLegend(app);

  function paint() {
    const { context, width } = sharpen(canvas);
    const key = `${canvas.width} ${colour("paper")}`;
    if (key !== stillFor) {
      paintStill(still, canvas, app, view, width);
      stillFor = key;
    }
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(still, 0, 0);
    context.restore();
    paintPath(context, width);
    paintPosterior(context, app, view, faint, width);
    paintCross(context, view.toScreen(zPoint(app, app.z), width));
  }

  /** @param {CanvasRenderingContext2D} context @param {number} side */
  function paintPath(context, side) {
    if (app.ends.length < 2) return;
    const [a, b] = app.ends.map((mu) => view.toScreen(zPoint(app, mu), side));
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.beginPath();
    context.moveTo(a[0], a[1]);
    context.lineTo(b[0], b[1]);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour("ink");
    context.font = "bold 14px system-ui, sans-serif";
    context.fillText("A", a[0] + 6, a[1] - 6);
    context.fillText("B", b[0] + 6, b[1] - 6);
  }

  function paintDecoded() {
    paintRow(painted, mean(app.model, decode(app.model, app.z, app.label)), app.data);
    element("where").textContent = `z ${zWords(app)}`;
  }

  /** @param {PointerEvent} event @param {boolean} stay */
  const walk = (event, stay) => {
    const at = place(canvas, event);
    app.setZ(app.fromMap(view.toMap(at.x, at.y)), stay);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    walk(event, true);
  });
  canvas.addEventListener("pointermove", (event) => walk(event, canvas.hasPointerCapture(event.pointerId)));
  canvas.addEventListener("pointerleave", () => app.setZ(app.pinned));
  canvas.addEventListener("keydown", (event) => {
    const step = arrow(event.key);
    if (!step) return;
    event.preventDefault();
    const size = event.shiftKey ? 0.5 : 0.1;
    const here = app.toMap(app.pinned);
    app.setZ(app.fromMap([here[0] + step.right * size, (here[1] ?? 0) + step.up * size]));
  });
  element("to-mu").addEventListener("click", () => app.setZ(app.weighed.mu));
  element("to-zero").addEventListener("click", () => app.setZ(new Float64Array(app.model.latentDim)));
  app.on("z", () => { // which every new x is followed by
    paint();
    paintDecoded();
  });
  app.on("path", paint);
  onRedraw(canvas, paint);
  onRedraw(painted, paintDecoded);
}

/** The point of a code on the map; with one dimension the map's height is q's standard deviation.
 * @param {App} app @param {ArrayLike<number>} z */
function zPoint(app, z) {
  const point = app.toMap(z);
  return app.model.latentDim === 1 ? [point[0], Math.exp(0.5 * app.weighed.logvar[0])] : point;
}

/** The part of the plane that is shown. @param {App} app */
function mapView(app) {
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
    toScreen: (p, side) => [((p[0] - cx + half) / (2 * half)) * side, ((cy + halfY - p[1]) / (2 * halfY)) * side],
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
function paintStill(still, canvas, app, view, side) {
  still.width = canvas.width;
  still.height = canvas.height;
  const context = /** @type {CanvasRenderingContext2D} */ (still.getContext("2d"));
  context.scale(canvas.width / side, canvas.width / side);
  context.fillStyle = colour("paper");
  context.fillRect(0, 0, side, side);
  const { codes, kinds } = app.data;
  const size = Math.max(side / 160, 1.8);
  for (let i = 0; i < codes.length / 2; i++) {
    const [x, y] = view.toScreen([codes[2 * i], codes[2 * i + 1]], side);
    context.fillStyle = kinds ? kindColour(kinds[i]) : colour("quiet");
    marker(context, x, y, size, kinds ? kinds[i] : 0);
  }
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
function marker(context, x, y, r, kind) {
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
function paintPosterior(context, app, view, faint, side) {
  const { mu, logvar, z } = app.weighed;
  const sigma = logvar.map((v) => Math.exp(0.5 * v));
  const unit = side / (2 * view.half);
  const [x, y] = view.toScreen(zPoint(app, mu), side);
  const { long, short, angle } = ellipse(app, sigma);
  context.strokeStyle = colour("now");
  context.fillStyle = colour("now");
  context.globalAlpha = 0.55;
  for (const noise of faint) {
    const [px, py] = view.toScreen(zPoint(app, mu.map((m, i) => m + sigma[i] * noise[i])), side);
    context.fillRect(px - 1, py - 1, 2, 2);
  }
  context.globalAlpha = 1;
  for (const times of [1, 2]) {
    context.lineWidth = times === 1 ? 2.5 : 1.2;
    context.beginPath();
    context.ellipse(x, y, Math.max(times * long * unit, 1), Math.max(times * short * unit, 1), -angle, 0, 2 * Math.PI);
    context.stroke();
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
  return { long: Math.sqrt(middle + spread), short: Math.sqrt(Math.max(middle - spread, 0)), angle: 0.5 * Math.atan2(2 * b, a - c) };
}

/** @param {App} app */
function mapWords(app) {
  const { plane, rows } = app.data;
  const dots = `Each mark is mu of one of ${rows} test examples; the ellipses are q(z|x) at one and two sigma, its samples are dots, the cross is z.`;
  if (app.model.latentDim === 1) return `Across: z. Up: the standard deviation of q(z|x). ${dots}`;
  if (!plane.principal) return `The plane of z itself. ${dots}`;
  const [first, second] = (plane.shares ?? []).map((share) => `${words(100 * share, 0)} %`);
  return `The two principal directions of mu (${first} and ${second} of its variance). ${dots}`;
}

/** @param {App} app */
function zWords(app) {
  const z = app.z;
  if (z.length <= 2) return `= (${Array.from(z, (v) => words(v, 2)).join(", ")})`;
  const [x, y] = app.toMap(z);
  const length = Math.sqrt(z.reduce((sum, v) => sum + v * v, 0));
  return `at (${words(x, 2)}, ${words(y, 2)}) on the map; length ${words(length, 1)} (the prior's is about ${words(Math.sqrt(z.length), 1)})`;
}

/** @param {App} app */
function addLegend(app) {
  const legend = element("legend");
  if (!app.data.kinds) legend.hidden = true;
  const there = new Set(app.data.kinds ?? []);
  app.data.kind_names.forEach((name, kind) => {
    if (!there.has(kind)) return;
    const canvas = make("canvas", { attributes: { width: "14", height: "14", "aria-hidden": "true" } });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.fillStyle = kindColour(kind);
    marker(context, 7, 7, 5, kind);
    legend.append(make("li", {}, [canvas, document.createTextNode(name)]));
  });
}
