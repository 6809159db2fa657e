// A row of data as a picture: grey pixels where it is an image, bars where it is a table, a point
// among the data where it is a point of a plane.

import { colour, redrawWith, sharpen } from "./dom.js";

/** @typedef {import("./state.js").Data} Data */

const MOST_BARS = 400; // more columns than this share bars
const MOST_BEHIND = 200; // points of data behind a point

/** @type {WeakMap<Data, {low: number, high: number}>} */
const ranges = new WeakMap();

/** The values drawn black and white, or at the foot and top of a bar. @param {Data} data */
export function valueRange(data) {
  const known = ranges.get(data) ?? widestRange(data);
  ranges.set(data, known);
  return known;
}

/** @param {Data} data */
function widestRange(data) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of data.low) low = Math.min(low, v);
  for (const v of data.high) high = Math.max(high, v);
  return high > low ? { low, high } : { low: low - 0.5, high: high + 0.5 };
}

/**
 * Paint a row onto a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {Data} data
 */
export function paintRow(canvas, values, data) {
  if (data.kind === "image") {
    paintImage(canvas, values, data);
    return;
  }
  const paint = data.kind === "plane" ? paintPoint : paintBars;
  const kept = Float64Array.from(values);
  canvas.classList.add(data.kind === "plane" ? "square" : "chart");
  redrawWith(canvas, () => paint(canvas, kept, data));
  paint(canvas, values, data);
}

/** @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {Data} data */
function paintPoint(canvas, values, data) {
  const { context, width } = sharpen(canvas);
  const view = planeView(data);
  const points = /** @type {Float32Array} */ (data.points);
  context.fillStyle = colour("paper");
  context.fillRect(0, 0, width, width);
  context.fillStyle = colour("line");
  for (let i = 0; i < Math.min(points.length, 2 * MOST_BEHIND); i += 2) {
    const [x, y] = view.toScreen([points[i], points[i + 1]], width);
    context.fillRect(x - 1, y - 1, 2, 2);
  }
  const [x, y] = view.toScreen([values[0], values[1]], width);
  context.fillStyle = colour("now");
  context.beginPath();
  context.arc(x, y, Math.max(width / 25, 3), 0, 2 * Math.PI);
  context.fill();
}

/** The part of the plane that is shown: all data with a margin. @param {Data} data */
export function planeView(data) {
  const points = /** @type {Float32Array} */ (data.points);
  const [low, high] = [
    [Infinity, Infinity],
    [-Infinity, -Infinity],
  ];
  points.forEach((value, i) => {
    low[i % 2] = Math.min(low[i % 2], value);
    high[i % 2] = Math.max(high[i % 2], value);
  });
  const half = 0.65 * Math.max(high[0] - low[0], high[1] - low[1]) || 1;
  const middle = [0, 1].map((k) => (low[k] + high[k]) / 2);
  return {
    /** @param {number[]} p @param {number} side */
    toScreen: (p, side) => [
      ((p[0] - middle[0] + half) / (2 * half)) * side,
      ((middle[1] + half - p[1]) / (2 * half)) * side,
    ],
    /** @param {number} x @param {number} y */
    toData: (x, y) => [middle[0] - half + 2 * half * x, middle[1] + half - 2 * half * y],
    half,
  };
}

/** @type {WeakMap<HTMLCanvasElement, ImageData>} */
const pixelsOf = new WeakMap(); // made once, not at every stroke

/** @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {Data} data */
function paintImage(canvas, values, data) {
  const [height, width] = /** @type {[number, number]} */ (data.image_shape);
  const { low, high } = valueRange(data);
  canvas.classList.add("picture");
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let pixels = pixelsOf.get(canvas);
  if (!pixels) {
    pixels = context.createImageData(width, height);
    pixels.data.fill(255); // the fourth of each four, opacity, stays so
    pixelsOf.set(canvas, pixels);
  }
  const scale = 255 / (high - low);
  for (let i = 0, at = 0; i < width * height; i++, at += 4) {
    const grey = scale * (values[i] - low); // the array clamps to 0..255
    pixels.data[at] = pixels.data[at + 1] = pixels.data[at + 2] = grey;
  }
  context.putImageData(pixels, 0, 0);
}

/**
 * Bars from a zero line, or from the foot where nothing is below zero.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {Data} data
 * @param {number} [chosen]  a column to mark
 */
export function paintBars(canvas, values, data, chosen = -1) {
  const { context, width, height } = sharpen(canvas);
  const { y, zero } = barScale(data, height);
  const bars = Math.min(values.length, MOST_BARS, Math.max(Math.floor(width), 1));
  const step = width / bars;
  for (let bar = 0; bar < bars; bar++) {
    const column = barColumn(bar, bars, values);
    const top = y(values[column]);
    context.fillStyle = column === chosen ? colour("now") : colour("accent");
    const gap = step > 4 ? 1 : 0;
    context.fillRect(
      bar * step + gap,
      Math.min(top, zero),
      step - 2 * gap,
      Math.max(Math.abs(zero - top), 1),
    );
  }
  context.fillStyle = colour("quiet");
  context.fillRect(0, zero, width, 1);
}

/** How values become heights. @param {Data} data @param {number} height */
export function barScale(data, height) {
  const range = valueRange(data);
  const [low, high] = [Math.min(range.low, 0), Math.max(range.high, 0)];
  /** @param {number} v */
  const y = (v) => height - 3 - Math.min(Math.max((v - low) / (high - low), 0), 1) * (height - 6);
  /** @param {number} at */
  const value = (at) => low + ((height - 3 - at) / (height - 6)) * (high - low);
  return { y, zero: y(0), value };
}

/** Of the columns that share a bar, the one whose value is farthest from zero.
 * @param {number} bar @param {number} bars @param {ArrayLike<number>} values */
function barColumn(bar, bars, values) {
  const [start, end] = [
    Math.floor((bar * values.length) / bars),
    Math.floor(((bar + 1) * values.length) / bars),
  ];
  let found = start;
  for (let i = start + 1; i < end; i++) if (Math.abs(values[i]) > Math.abs(values[found])) found = i;
  return found;
}
