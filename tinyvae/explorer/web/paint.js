// A row of data as a picture: grey pixels where it is an image, bars where it is a table.

import { colour, sharpen } from "./dom.js";

/** @typedef {import("./state.js").Data} Data */

const MOST_BARS = 400; // more columns than this share bars

/** The values drawn black and white, or at the foot and top of a bar. @param {Data} data */
export function valueRange(data) {
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
  if (data.kind === "image") paintImage(canvas, values, data);
  else paintBars(canvas, values, data);
}

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
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const grey = (255 * (values[i] - low)) / (high - low); // the array clamps to 0..255
    pixels.data.fill(grey, 4 * i, 4 * i + 3);
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

/**
 * Bars from a zero line, or from the foot where nothing is below zero.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {Data} data
 * @param {{chosen?: number, behind?: ArrayLike<number> | null}} [options]  a column to mark; values to
 *   draw as ticks behind the bars
 */
export function paintBars(canvas, values, data, { chosen = -1, behind = null } = {}) {
  canvas.classList.add("chart");
  const { context, width, height } = sharpen(canvas);
  const { y, zero } = barScale(data, height);
  const bars = Math.min(values.length, MOST_BARS, Math.max(Math.floor(width), 1));
  const step = width / bars;
  for (let bar = 0; bar < bars; bar++) {
    const column = barColumn(bar, bars, values);
    const top = y(values[column]);
    context.fillStyle = column === chosen ? colour("now") : colour("accent");
    const gap = step > 4 ? 1 : 0;
    context.fillRect(bar * step + gap, Math.min(top, zero), step - 2 * gap, Math.max(Math.abs(zero - top), 1));
    if (behind) {
      context.fillStyle = colour("ink");
      context.fillRect(bar * step, y(behind[column]) - 1, step, 2);
    }
  }
  context.fillStyle = colour("quiet");
  context.fillRect(0, zero, width, 1);
}

/** How values become heights. @param {Data} data @param {number} height */
export function barScale(data, height) {
  const range = valueRange(data);
  const [low, high] = [Math.min(range.low, 0), Math.max(range.high, 0)];
  /** @param {number} v */
  const y = (v) => height - 3 - (Math.min(Math.max((v - low) / (high - low), 0), 1) * (height - 6));
  /** @param {number} at */
  const value = (at) => low + ((height - 3 - at) / (height - 6)) * (high - low);
  return { y, zero: y(0), value };
}

/** Of the columns that share a bar, the one whose value is farthest from zero.
 * @param {number} bar @param {number} bars @param {ArrayLike<number>} values */
function barColumn(bar, bars, values) {
  const [start, end] = [Math.floor((bar * values.length) / bars), Math.floor(((bar + 1) * values.length) / bars)];
  let found = start;
  for (let i = start + 1; i < end; i++) if (Math.abs(values[i]) > Math.abs(values[found])) found = i;
  return found;
}
