// ELBO, reconstruction and KL of what is in the reader's hand, and how usual they are.

import { mean } from "./vae.js";
import { carrying } from "./state.js";
import { colour, element, make, onRedraw, sharpen, words, write } from "./dom.js";
import { paintRow, valueRange } from "./paint.js";

/** @typedef {import("./state.js").App} App */

const BINS = 40;
const MOST_NAMED = 40; // bars with a number beneath
const WIDEST_BAR = 56;
const FAR = 3; // widths of the test set's range, beyond which the arrow stands at the edge

/** @param {App} app */
export function setUpNumbers(app) {
  const histogram = element("histogram", "canvas");
  const bars = element("bars", "canvas");
  const pictures = Array.from(app.noise, (_, k) => {
    const canvas = make("canvas", {
      attributes: { role: "img", "aria-label": `Sample ${k + 1} of q(z|x), decoded` },
    });
    const nats = make("output", { attributes: { id: `reconstruction-${k}` } });
    const caption = make("figcaption", {}, [nats, document.createTextNode(" nats")]);
    element("reconstructions").append(make("figure", {}, [canvas, caption]));
    return { canvas, nats };
  });

  function paintHistograms() {
    paintHistogram(histogram, app.data.elbos, isBlank(app) ? null : app.weighed.elbo);
    paintKl(bars, app);
  }

  app.on("x", () => {
    const { elbo, reconstruction, kl, logits, reconstructions } = app.weighed;
    for (const [name, value] of Object.entries({ elbo, reconstruction, kl })) {
      write(element(name), value, app.digits);
      element(`ticker-${name}`).textContent = words(value, app.digits);
    }
    pictures.forEach(({ canvas, nats }, k) => {
      paintRow(canvas, mean(app.model, logits[k]), app.data);
      write(nats, reconstructions[k], app.digits);
    });
    element("likeness").textContent = isBlank(app)
      ? "Nothing drawn yet."
      : likeness(app.data.elbos, elbo, app.data);
    element("bars-text").textContent = klWords(app);
    paintHistograms();
  });
  element("higher").textContent =
    app.data.kind === "image"
      ? "Higher is easier to predict, not a better picture: simple ones (a 1, a blank) score high."
      : "Higher is easier to predict, not better.";
  onRedraw(histogram, paintHistograms);
  onRedraw(bars, paintHistograms);
}

/** Whether there is nothing in the picture, which is easy to predict and no digit. @param {App} app */
function isBlank(app) {
  const { low } = valueRange(app.data);
  return app.data.kind === "image" && app.x.every((v) => v <= low);
}

/**
 * In words: where an ELBO stands among those of the test set.
 *
 * @param {Float32Array} sorted
 * @param {number} elbo
 * @param {{kind: string}} data
 */
export function likeness(sorted, elbo, data) {
  const what = data.kind === "image" ? "test pictures" : "rows of the test set";
  const below = sorted.filter((one) => one < elbo).length;
  if (below === 0) return `Lower than all ${sorted.length} ${what}: unlike all of them.`;
  if (below === sorted.length) return `Higher than all ${sorted.length} ${what}.`;
  const share = below / sorted.length;
  if (share < 0.02) {
    return `Lower than ${Math.floor(100 * (1 - share))} % of the ${sorted.length} ${what}: rare among them.`;
  }
  return `Higher than ${Math.floor(100 * share)} % of the ${sorted.length} ${what}.`;
}

/** @param {HTMLCanvasElement} canvas @param {Float32Array} sorted @param {number | null} elbo */
function paintHistogram(canvas, sorted, elbo) {
  const { context, width, height } = sharpen(canvas);
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  const range = Math.max(last - first, 1e-6 * Math.abs(last), 1e-9);
  // The axis grows to the left with a bad x, but not so far that the hills vanish.
  const low = Math.max(Math.min(first, elbo ?? first), first - FAR * range) - 0.03 * range;
  const high = Math.min(Math.max(last, elbo ?? last), last + FAR * range) + 0.03 * range;
  /** @param {number} v */
  const x = (v) => Math.min(Math.max((v - low) / (high - low), 0.004), 0.996) * width;
  const counts = new Array(BINS).fill(0);
  for (const one of sorted) counts[Math.min(Math.floor(((one - first) / range) * BINS), BINS - 1)] += 1;
  const most = Math.max(...counts);
  const foot = height - 20;
  context.fillStyle = colour("accent");
  counts.forEach((count, bin) => {
    const [left, right] = [x(first + (bin * range) / BINS), x(first + ((bin + 1) * range) / BINS)];
    const tall = (count / most) * (foot - 14);
    context.fillRect(left, foot - tall, Math.max(right - left - 1, 1), tall);
  });
  context.fillStyle = colour("quiet");
  context.fillRect(0, foot, width, 1);
  axisNumbers(context, low, high, x, width, height);
  if (elbo === null) return;
  context.fillStyle = colour("now");
  context.fillRect(x(elbo) - 1.5, 0, 3, foot + 4);
}

/** @param {CanvasRenderingContext2D} context @param {number} low @param {number} high
 * @param {(v: number) => number} x @param {number} width @param {number} height */
function axisNumbers(context, low, high, x, width, height) {
  const rough = (high - low) / Math.max(width / 90, 2);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillStyle = colour("quiet");
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
    const text = words(tick, step < 1 ? 2 : 0);
    const half = context.measureText(text).width / 2;
    if (x(tick) - half > 0 && x(tick) + half < width) context.fillText(text, x(tick), height - 5);
  }
}

/** KL of x by dimension as bars, and as ticks its mean over the test set.
 * @param {HTMLCanvasElement} canvas @param {App} app */
function paintKl(canvas, app) {
  const { context, width, height } = sharpen(canvas);
  const values = app.weighed.klPerDimension;
  const usual = app.data.kl_per_dimension;
  const most = Math.max(...values, ...usual, 0.1);
  const [foot, step] = [height - 18, Math.min(width / values.length, WIDEST_BAR)];
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  app.order.forEach((dimension, place) => {
    const left = place * step;
    const gap = step > 4 ? 1.5 : 0;
    const [tall, tick] = [values[dimension], usual[dimension]].map((v) => (v / most) * (foot - 14));
    context.fillStyle = colour("accent");
    context.fillRect(left + gap, foot - tall, step - 2 * gap, tall);
    context.fillStyle = colour("ink");
    context.fillRect(left, foot - tick - 1, step, 2);
    context.fillStyle = colour("quiet");
    if (values.length <= MOST_NAMED && step > 13) {
      context.fillText(String(dimension), left + step / 2, height - 4);
    }
  });
  context.fillStyle = colour("quiet");
  context.fillRect(0, foot, width, 1);
  context.textAlign = "right";
  context.fillText(`${words(most, 1)} nats`, width, 10);
}

/** @param {App} app */
function klWords(app) {
  const values = app.weighed.klPerDimension;
  const largest = app.order.reduce((a, b) => (values[b] > values[a] ? b : a), app.order[0]);
  const many =
    values.length > 1
      ? `${carrying(app.data)} of ${values.length} dimensions carry more than 0.01 nats on average`
      : "one dimension";
  return `Bars: this x, most in z[${largest}] (${words(values[largest], 2)} nats). Lines: the test set's mean; ${many}.`;
}
