// Data of two columns in their own plane: the density of the model, the data, x, and p(x|z).

import { decode, mean, reconstructionForward } from "./vae.js";
import { arrow, colour, element, kindColour, onDrag, onRedraw, place, sharpen } from "./dom.js";
import { planeView } from "./paint.js";
import { noiseRows } from "./random.js";

/** @typedef {import("./state.js").App} App */

const CELLS = 64; // of the density, on each side
const DENSITY_SAMPLES = 300; // of z from the prior

/** @param {App} app */
export function setUpDataPlane(app) {
  const canvas = element("plane", "canvas");
  const view = planeView(app.data);
  element("give-plane").hidden = false;
  /** @type {{label: number, shades: Float64Array} | null} */
  let density = null;

  /** The model's density on a grid, as shares of its highest value. */
  function computeDensity() {
    const noise = noiseRows(DENSITY_SAMPLES, app.model.latentDim, 7);
    const logits = noise.map((z) => decode(app.model, z, app.label));
    const shades = new Float64Array(CELLS * CELLS);
    for (let i = 0; i < shades.length; i++) {
      const x = view.toData(((i % CELLS) + 0.5) / CELLS, (Math.floor(i / CELLS) + 0.5) / CELLS);
      for (const one of logits) shades[i] += Math.exp(-reconstructionForward(app.model, one, x));
    }
    const highest = shades.reduce((a, b) => Math.max(a, b), 0) || 1;
    return { label: app.label, shades: shades.map((v) => v / highest) };
  }

  function paint() {
    const { context, width: side } = sharpen(canvas);
    if (!density || density.label !== app.label) density = computeDensity();
    const cell = side / CELLS;
    context.fillStyle = colour("accent");
    density.shades.forEach((share, i) => {
      context.globalAlpha = 0.65 * Math.sqrt(share);
      context.fillRect((i % CELLS) * cell, Math.floor(i / CELLS) * cell, cell + 0.5, cell + 0.5);
    });
    context.globalAlpha = 1;
    paintPoints(context, side);
    paintReconstructions(context, side);
    paintCross(context, view.toScreen([app.raw[0], app.raw[1]], side));
  }

  /** @param {CanvasRenderingContext2D} context @param {number} side */
  function paintPoints(context, side) {
    const points = /** @type {Float32Array} */ (app.data.points);
    for (let i = 0; i < points.length / 2; i++) {
      const [x, y] = view.toScreen([points[2 * i], points[2 * i + 1]], side);
      context.fillStyle = app.data.kinds ? kindColour(app.data.kinds[i]) : colour("quiet");
      context.fillRect(x - 1, y - 1, 2.5, 2.5);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {number} side */
  function paintReconstructions(context, side) {
    context.strokeStyle = colour("now");
    context.lineWidth = 2;
    const gaussian = app.model.likelihood.startsWith("gaussian");
    const sigma = gaussian ? (Math.exp(app.model.logSigma) / (2 * view.half)) * side : 4;
    for (const logits of app.weighed.logits) {
      const [x, y] = view.toScreen([...mean(app.model, logits)], side);
      context.beginPath();
      context.arc(x, y, Math.max(sigma, 2), 0, 2 * Math.PI);
      context.stroke();
    }
  }

  /** @param {number[]} wanted */
  function move(wanted) {
    const unit = app.model.likelihood === "continuous_bernoulli";
    app.setX(unit ? wanted.map((v) => Math.min(Math.max(v, 0), 1)) : wanted);
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    const at = place(canvas, event);
    move(view.toData(at.x, at.y));
  }

  onDrag(canvas, drag);
  canvas.addEventListener("keydown", (event) => {
    const step = arrow(event.key);
    if (!step) return;
    event.preventDefault();
    const size = (event.shiftKey ? 0.2 : 0.04) * view.half;
    move([app.raw[0] + step.right * size, app.raw[1] + step.up * size]);
  });
  app.on("x", paint);
  onRedraw(canvas, paint);
  return app.setX;
}

/** A cross that is seen on light and dark.
 * @param {CanvasRenderingContext2D} context @param {number[]} at */
export function paintCross(context, [x, y]) {
  for (const [width, name] of /** @type {[number, string][]} */ ([
    [6, "card"],
    [2.5, "ink"],
  ])) {
    context.lineWidth = width;
    context.strokeStyle = colour(name);
    context.beginPath();
    context.moveTo(x - 8, y);
    context.lineTo(x + 8, y);
    context.moveTo(x, y - 8);
    context.lineTo(x, y + 8);
    context.stroke();
  }
}
