// From the text in the page to arrays and a model.

/** @typedef {import("./vae.js").Model} Model */
/** @typedef {import("./vae.js").Network} Network */
/** @typedef {{name: string, shape: number[]}} Named */
/** @typedef {{dtype: string, base64: string}} Packed */
/**
 * @typedef {object} ModelDescription
 * @property {number} input_dim
 * @property {number} latent_dim
 * @property {number} n_classes
 * @property {string} activation
 * @property {string} likelihood
 * @property {number} sigma
 * @property {number} encoder_layers
 * @property {number} decoder_layers
 * @property {{encoder: string, decoder: string, log_sigma: string}} names  of arrays that not every model has
 * @property {Named[]} arrays  in the order of the weights
 * @property {Packed} weights
 */

/** @param {string} text */
function bytes(text) {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
  return found;
}

/** One IEEE 754 half, from its 16 bits. @param {number} bits */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Numbers as the page holds them: base64 of little-endian uint8, float16 or float32.
 *
 * @param {Packed} packed
 * @returns {Float32Array}
 */
export function unpack(packed) {
  const raw = bytes(packed.base64);
  const view = new DataView(raw.buffer);
  if (packed.dtype === "uint8") return Float32Array.from(raw);
  if (packed.dtype === "float32") {
    return Float32Array.from({ length: raw.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  }
  const halves = new Float32Array(65536); // every half there is, once
  for (let i = 0; i < 65536; i++) halves[i] = fromHalf(i);
  const found = new Float32Array(raw.length / 2);
  for (let i = 0; i < found.length; i++) found[i] = halves[view.getUint16(2 * i, true)];
  return found;
}

/**
 * Build the model that a description and its weights make.
 *
 * @param {ModelDescription} described
 * @returns {Model}
 */
export function buildModel(described) {
  const values = unpack(described.weights);
  /** @type {Map<string, Float32Array>} */
  const arrays = new Map();
  let start = 0;
  for (const { name, shape } of described.arrays) {
    const size = shape.reduce((a, b) => a * b, 1);
    arrays.set(name, values.subarray(start, start + size));
    start += size;
  }
  /** @param {string} name */
  const take = (name) => {
    const array = arrays.get(name);
    if (!array) throw new Error(`The page holds no array ${name}.`);
    return array;
  };
  /** @param {"encoder" | "decoder"} name @param {number} depth @returns {Network} */
  const network = (name, depth) => ({
    layers: Array.from({ length: depth }, (_, i) => {
      const [weight, bias] = [take(`${name}.${i}.weight`), take(`${name}.${i}.bias`)];
      return { fanIn: weight.length / bias.length, fanOut: bias.length, weight, bias };
    }),
    labelRows: described.n_classes ? take(described.names[name]) : null,
  });
  const learned = arrays.get(described.names.log_sigma);
  return {
    encoder: network("encoder", described.encoder_layers),
    decoder: network("decoder", described.decoder_layers),
    activation: described.activation,
    likelihood: described.likelihood,
    logSigma: learned ? learned[0] : Math.log(described.sigma),
    inputDim: described.input_dim,
    latentDim: described.latent_dim,
    nClasses: described.n_classes,
  };
}
