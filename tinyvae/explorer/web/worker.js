// Importance sampling beside the page, so that the page stays responsive.
//
// Told once which model, then asked for log p(x) of one x after another; a new question ends the old.

import { encode, importanceWeighted, logImportanceWeight } from "./vae.js";
import { normals, uniforms } from "./random.js";

/** @typedef {import("./vae.js").Model} Model */
/** @typedef {{x: Float64Array, label: number, samples: number, seed: number, asked: number}} Question */

const SAMPLES_AT_A_TIME = 50;
const here =
  /** @type {{onmessage: ((event: MessageEvent) => void) | null, postMessage: (message: object) => void}} */ (
    /** @type {unknown} */ (globalThis)
  );
/** @type {Model | null} */
let model = null;
let newest = 0;

/** @param {Model} known @param {Question} question */
async function answer(known, question) {
  const { x, label, samples, seed, asked } = question;
  const { mu, logvar } = encode(known, x, label);
  const uniform = uniforms(seed);
  const logW = new Float64Array(samples);
  const started = performance.now();
  for (let k = 0; k < samples; k++) {
    logW[k] = logImportanceWeight(known, x, mu, logvar, normals(known.latentDim, uniform), label);
    if ((k + 1) % SAMPLES_AT_A_TIME === 0) {
      here.postMessage({ asked, done: k + 1 });
      await new Promise((resolve) => setTimeout(resolve)); // hear whether there is a newer question
      if (asked !== newest) return;
    }
  }
  here.postMessage({
    asked,
    done: samples,
    ...importanceWeighted(logW),
    milliseconds: performance.now() - started,
  });
}

here.onmessage = (/** @type {MessageEvent} */ { data }) => {
  if (data.model) model = data.model;
  else if (model) {
    newest = data.asked;
    answer(model, data);
  }
};
