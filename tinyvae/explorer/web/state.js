// What the page holds: the model, the data shown, x in the reader's hand and z on the map.
//
// Sections change it through the functions here and are told through `on`; none of them computes.

import { encode, forward } from "./vae.js";
import { noiseRows } from "./random.js";
import { buildModel, unpack } from "./unpack.js";

/** @typedef {import("./vae.js").Model} Model */
/** @typedef {ReturnType<typeof forward>} Weighed */
/** @typedef {"x" | "z" | "path" | "answer"} Topic */
/**
 * @typedef {object} Data  what tinyvae/explorer/view.py packed, arrays unpacked
 * @property {"image" | "plane" | "table"} kind
 * @property {string} name
 * @property {number} rows  of the test set that were looked at
 * @property {[number, number] | null} image_shape
 * @property {string[]} columns
 * @property {string[]} kind_names
 * @property {"threshold" | "none"} binarize
 * @property {boolean} whole  whether values of x are whole numbers
 * @property {Float32Array} low  of each column
 * @property {Float32Array} high
 * @property {{principal: boolean, center: number[], directions: number[][], shares?: number[]}} plane
 * @property {Float32Array} codes  (rows, 2): where they lie on the map
 * @property {Float32Array | null} kinds
 * @property {Float32Array | null} points  (rows, 2) data in their own plane
 * @property {Float32Array} elbos  sorted, lowest first
 * @property {number[]} kl_per_dimension  means
 * @property {{values: Float32Array[], kinds: number[] | null}} examples
 * @property {{before: number, after: number, rows: number, precision: string, dtype: string}} rounding
 */

export const SAMPLES = 3;
export const IMPORTANCE_SAMPLES = 1000;
const FINE = 20; // nats between the best and the worst example, below which a tenth is coarse

/** @param {any} packed @returns {Data} */
export function unpackData(packed) {
  const data = packed.data;
  const values = unpack(data.examples.values);
  const scale = data.examples.values.dtype === "uint8" ? 255 : 1; // bytes are grey levels
  const width = packed.model.input_dim;
  const examples = Array.from({ length: values.length / width }, (_, i) =>
    values.slice(i * width, (i + 1) * width).map((v) => v / scale),
  );
  return {
    ...data,
    low: unpack(data.ranges.low),
    high: unpack(data.ranges.high),
    codes: unpack(data.codes),
    kinds: data.kinds && unpack(data.kinds),
    points: data.points && unpack(data.points),
    elbos: unpack(data.elbos),
    examples: { values: examples, kinds: data.examples.kinds },
  };
}

const CARRIES = 0.01; // nats of KL, a mean over the test set: less changes nothing

/** How many dimensions of z carry more than that. @param {Data} data */
export function carrying(data) {
  return data.kl_per_dimension.filter((v) => v > CARRIES).length;
}

/** @param {any} packed */
export function createApp(packed) {
  const model = buildModel(packed.model);
  const data = unpackData(packed);
  /** @type {Record<Topic, (() => void)[]>} */
  const listeners = { x: [], z: [], path: [], answer: [] };
  const order = data.kl_per_dimension
    .map((_, i) => i)
    .sort((a, b) => data.kl_per_dimension[b] - data.kl_per_dimension[a]);
  const app = {
    packed, // as it stands in the page
    model,
    data,
    digits: data.elbos[data.elbos.length - 1] - data.elbos[0] < FINE ? 2 : 1, // of nats, for the reader
    order, // dimensions of z, the one with most KL first
    raw: Float64Array.from(data.examples.values[0]), // before binarization
    x: new Float64Array(model.inputDim),
    label: 0,
    seed: 1,
    noise: noiseRows(SAMPLES, model.latentDim, 1),
    weighed: /** @type {Weighed} */ (/** @type {unknown} */ (null)),
    z: new Float64Array(model.latentDim), // what the decoder paints
    pinned: new Float64Array(model.latentDim), // where z returns after a look around
    ends: /** @type {Float64Array[]} */ ([]), // mu of A and B
    endsShown: false, // on the map, once the reader has touched them
    logP: NaN, // of x, where it was asked for
    strokeMilliseconds: /** @type {number[]} */ ([]),

    /** @param {Topic} topic @param {() => void} listener */
    on(topic, listener) {
      listeners[topic].push(listener);
    },
    /** @param {Topic} topic */
    tell(topic) {
      for (const listener of listeners[topic]) listener();
    },
    /** Take another x; z follows its mu. @param {ArrayLike<number>} raw */
    setX(raw) {
      app.raw = Float64Array.from(raw);
      app.weigh();
      app.setZ(app.weighed.mu);
    },
    /** Compute everything about x again, with the noise there is. */
    weigh() {
      app.x = data.binarize === "threshold" ? app.raw.map((v) => (v >= 0.5 ? 1 : 0)) : app.raw;
      app.weighed = forward(model, app.x, app.noise, app.label);
      app.tell("x");
    },
    /** Walk to z, to stay there or only to look. @param {ArrayLike<number>} z @param {boolean} [stay] */
    setZ(z, stay = true) {
      app.z = Float64Array.from(z);
      if (stay) app.pinned = app.z;
      app.tell("z");
    },
    /** Draw other noise for the samples of q(z|x); x stays. */
    redrawNoise() {
      app.seed += 1;
      app.noise = noiseRows(SAMPLES, model.latentDim, app.seed);
      app.weigh();
      app.tell("z"); // its cloud of samples is another
    },
    /** @param {number} label */
    setLabel(label) {
      app.label = label;
      app.weigh();
      app.tell("z");
    },
    /** mu of any x. @param {ArrayLike<number>} raw */
    muOf(raw) {
      const x = Float64Array.from(raw, (v) => (data.binarize === "threshold" ? (v >= 0.5 ? 1 : 0) : v));
      return encode(model, x, app.label).mu;
    },
    /** Where z lies on the map. @param {ArrayLike<number>} z */
    toMap(z) {
      return data.plane.directions.map((d) =>
        d.reduce((sum, part, i) => sum + part * (z[i] - data.plane.center[i]), 0),
      );
    },
    /** z moved within the map's plane to a point; what is across the plane stays. @param {number[]} point */
    fromMap(point) {
      const here = app.toMap(app.pinned);
      return app.pinned.map((v, i) =>
        data.plane.directions.reduce((sum, d, k) => sum + d[i] * (point[k] - here[k]), v),
      );
    },
  };
  return app;
}

/** @typedef {ReturnType<typeof createApp>} App */
