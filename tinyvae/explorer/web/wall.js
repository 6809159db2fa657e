// A wall of samples from the same noise, at any scale.

import { decode, mean } from "./vae.js";
import { colour, element, make, onRedraw, sharpen, words } from "./dom.js";
import { paintRow, planeView } from "./paint.js";
import { noiseRows } from "./random.js";

/** @typedef {import("./state.js").App} App */

const PICTURES = 24;
const POINTS = 500; // where a sample is a point and not a picture

/** @param {App} app */
export function setUpWall(app) {
  const wall = element("wall");
  const slider = element("scale", "input");
  const points = app.data.kind === "plane";
  const count = points ? POINTS : PICTURES;
  const view = points ? planeView(app.data) : null;
  const canvases = Array.from({ length: points ? 1 : PICTURES }, () => make("canvas"));
  wall.append(...canvases);
  wall.classList.toggle("one", points);
  let seed = 11;
  let noise = noiseRows(count, app.model.latentDim, seed);

  function paint() {
    const scale = slider.valueAsNumber;
    element("scale-value").textContent = words(scale, 2);
    const samples = noise.map((one) =>
      mean(
        app.model,
        decode(
          app.model,
          one.map((v) => scale * v),
          app.label,
        ),
      ),
    );
    if (!view) {
      samples.forEach((sample, i) => paintRow(canvases[i], sample, app.data));
      return;
    }
    const { context, width } = sharpen(canvases[0]);
    for (const [rows, name] of /** @type {[ArrayLike<number>[], string][]} */ ([
      [dataPoints(app), "line"],
      [samples, "accent"],
    ])) {
      context.fillStyle = colour(name);
      for (const row of rows) {
        const [x, y] = view.toScreen([row[0], row[1]], width);
        context.fillRect(x - 1.5, y - 1.5, 3, 3);
      }
    }
  }

  slider.addEventListener("input", paint);
  element("wall-noise").addEventListener("click", () => {
    seed += 1;
    noise = noiseRows(count, app.model.latentDim, seed);
    paint();
  });
  let label = -1;
  app.on("z", () => {
    if (label !== app.label) paint();
    label = app.label;
  });
  onRedraw(canvases[0], paint);
}

/** @param {App} app */
function dataPoints(app) {
  const points = /** @type {Float32Array} */ (app.data.points);
  return Array.from({ length: points.length / 2 }, (_, i) => points.subarray(2 * i, 2 * i + 2));
}
