// The mathematics of a VAE in plain JavaScript: the forward half of tinyvae/ops/reference.py.
//
// Names, order and formulas are those of the Python; every number is computed in float64.  An array
// here is one example: where Python says (batch, latent_dim), this file says (latent_dim,).  Units
// are nats per example.  Nothing here draws random numbers or knows that there is a page.

/** @typedef {Float64Array} Numbers */
/** @typedef {{fanIn: number, fanOut: number, weight: Float32Array, bias: Float32Array}} Layer */
/**
 * @typedef {object} Network
 * @property {Layer[]} layers
 * @property {Float32Array | null} labelRows  (nClasses, fanOut of the first layer), or null
 */
/**
 * @typedef {object} Model
 * @property {Network} encoder
 * @property {Network} decoder
 * @property {string} activation
 * @property {string} likelihood
 * @property {number} logSigma  of the Gaussian likelihoods
 * @property {number} inputDim
 * @property {number} latentDim
 * @property {number} nClasses  0 where the model takes no label
 */

const LOGVAR_BOUND = 10.0;
const LOG_2PI = Math.log(2.0 * Math.PI);

// Activations --------------------------------------------------------------------------------

/** 1 / (1 + exp(-a)), without overflow. @param {number} a */
export function sigmoid(a) {
  const e = Math.exp(-Math.abs(a));
  return (a > 0 ? 1.0 : e) / (1.0 + e);
}

/** log(1 + exp(a)) = max(a, 0) + log(1 + exp(-|a|)). @param {number} a */
export function softplus(a) {
  return Math.max(a, 0.0) + Math.log1p(Math.exp(-Math.abs(a)));
}

/** @type {Record<string, (a: number) => number>} */
export const ACTIVATIONS = {
  relu: (a) => (a <= 0 ? 0.0 : a),
  tanh: Math.tanh,
  softplus,
  sigmoid,
  identity: (a) => a,
};

// Dense layers -------------------------------------------------------------------------------

/**
 * h = f(x @ weight + bias), and where there is a label, its row added before f.
 *
 * Row after row of the weights, so that memory is read in order; a zero of x costs nothing.
 *
 * @param {ArrayLike<number>} x
 * @param {Layer} layer
 * @param {string} activation
 * @param {Float32Array | null} labelRow
 * @returns {Numbers}
 */
export function denseForward(x, layer, activation, labelRow = null) {
  const { fanIn, fanOut, weight, bias } = layer;
  const h = Float64Array.from(bias);
  if (labelRow) for (let j = 0; j < fanOut; j++) h[j] += labelRow[j];
  for (let i = 0; i < fanIn; i++) {
    const xi = x[i];
    if (xi === 0) continue;
    for (let j = 0, at = i * fanOut; j < fanOut; j++, at++) h[j] += xi * weight[at];
  }
  if (activation === "identity") return h;
  const f = ACTIVATIONS[activation];
  for (let j = 0; j < fanOut; j++) h[j] = f(h[j]);
  return h;
}

/**
 * Hidden layers with the model's activation, then a linear one.
 *
 * @param {Network} network
 * @param {ArrayLike<number>} x
 * @param {string} activation
 * @param {number} label
 */
export function networkForward(network, x, activation, label) {
  const { layers, labelRows } = network;
  let h = /** @type {Numbers} */ (x);
  layers.forEach((layer, i) => {
    const row =
      labelRows && i === 0 ? labelRows.subarray(label * layer.fanOut, (label + 1) * layer.fanOut) : null;
    h = denseForward(h, layer, i < layers.length - 1 ? activation : "identity", row);
  });
  return h;
}

// The latent variable ------------------------------------------------------------------------

/**
 * mu and logvar of q(z|x), each (latentDim,); logvar = 10 tanh(raw / 10), the log of the variance.
 *
 * @param {Model} model
 * @param {ArrayLike<number>} x
 * @param {number} [label]
 */
export function encode(model, x, label = 0) {
  const output = networkForward(model.encoder, x, model.activation, label);
  const mu = output.slice(0, model.latentDim);
  const logvar = output.slice(model.latentDim).map((raw) => LOGVAR_BOUND * Math.tanh(raw / LOGVAR_BOUND));
  return { mu, logvar };
}

/**
 * The logits for z, (inputDim,).
 *
 * @param {Model} model
 * @param {ArrayLike<number>} z
 * @param {number} [label]
 */
export function decode(model, z, label = 0) {
  return networkForward(model.decoder, z, model.activation, label);
}

/**
 * z = mu + exp(logvar / 2) * noise.
 *
 * @param {Numbers} mu
 * @param {Numbers} logvar
 * @param {Numbers} noise
 */
export function reparameterizeForward(mu, logvar, noise) {
  return mu.map((m, i) => m + Math.exp(0.5 * logvar[i]) * noise[i]);
}

/**
 * KL(N(mu, diag(exp(logvar))) to N(0, I)) per dimension: (mu^2 + exp(logvar) - 1 - logvar) / 2.
 *
 * @param {Numbers} mu
 * @param {Numbers} logvar
 */
export function klForward(mu, logvar) {
  return mu.map((m, i) => 0.5 * (m * m + Math.expm1(logvar[i]) - logvar[i]));
}

// Likelihoods: one dimension's -log p(x|z) in nats, and its mean E[x|z] ------------------------

/** log Z(l) = log((exp(l) - 1) / l) = l / 2 + log(sinh(h) / h) with h = |l| / 2. @param {number} l */
export function logPartition(l) {
  const h = 0.5 * Math.abs(l);
  if (h < 1e-4) return 0.5 * l + (h * h) / 6.0;
  return (
    0.5 * l + (h < 1.0 ? Math.log(Math.sinh(h) / h) : h + Math.log1p(-Math.exp(-2.0 * h)) - Math.log(2.0 * h))
  );
}

/** The derivative of logPartition: 1 / (1 - exp(-l)) - 1 / l. @param {number} l */
export function continuousBernoulliMean(l) {
  return Math.abs(l) < 1e-3 ? 0.5 + l / 12.0 : 0.5 + 0.5 / Math.tanh(0.5 * l) - 1.0 / l;
}

/** log n! for a whole number n: a sum where it is short, Stirling's series beyond. @param {number} n */
export function logFactorial(n) {
  if (n < 16) {
    let sum = 0.0;
    for (let k = 2; k <= n; k++) sum += Math.log(k);
    return sum;
  }
  const square = n * n;
  const series = (1.0 - (1.0 / 30.0 - 1.0 / (105.0 * square)) / square) / (12.0 * n);
  return n * Math.log(n) - n + 0.5 * (LOG_2PI + Math.log(n)) + series;
}

/** @param {number} middle @param {number} x @param {number} logSigma */
function gaussianForward(middle, x, logSigma) {
  const residual = (x - middle) * Math.exp(-logSigma);
  return 0.5 * LOG_2PI + logSigma + 0.5 * residual * residual;
}

/**
 * @typedef {object} Likelihood
 * @property {(logit: number, x: number, logSigma: number) => number} forward
 * @property {(logit: number) => number} mean
 */
/** @type {Record<string, Likelihood>} */
export const LIKELIHOODS = {
  bernoulli: { forward: (l, x) => softplus(l) - x * l, mean: sigmoid },
  continuous_bernoulli: { forward: (l, x) => logPartition(l) - x * l, mean: continuousBernoulliMean },
  gaussian: { forward: gaussianForward, mean: (l) => l },
  gaussian_learned: { forward: gaussianForward, mean: (l) => l },
  poisson: { forward: (l, x) => Math.exp(l) - x * l + logFactorial(x), mean: Math.exp },
};

/**
 * -log p(x|z), the sum over dimensions, nats.
 *
 * @param {Model} model
 * @param {Numbers} logits
 * @param {ArrayLike<number>} x
 */
export function reconstructionForward(model, logits, x) {
  const minusLogP = LIKELIHOODS[model.likelihood].forward;
  let sum = 0.0;
  for (let i = 0; i < logits.length; i++) sum += minusLogP(logits[i], x[i], model.logSigma);
  return sum;
}

/** E[x|z], (inputDim,). @param {Model} model @param {Numbers} logits */
export function mean(model, logits) {
  return logits.map(LIKELIHOODS[model.likelihood].mean);
}

// The bounds ---------------------------------------------------------------------------------

/**
 * All that happens to one example: encoder, K samples of z, decoder, loss.
 *
 * reconstruction is the mean over the K samples, kl is exact, elbo = -(reconstruction + kl).
 *
 * @param {Model} model
 * @param {ArrayLike<number>} x
 * @param {Numbers[]} noise  K vectors, standard normal
 * @param {number} [label]
 */
export function forward(model, x, noise, label = 0) {
  const { mu, logvar } = encode(model, x, label);
  const z = noise.map((one) => reparameterizeForward(mu, logvar, one));
  const logits = z.map((one) => decode(model, one, label));
  const reconstructions = logits.map((one) => reconstructionForward(model, one, x));
  const reconstruction = reconstructions.reduce((a, b) => a + b, 0.0) / noise.length;
  const klPerDimension = klForward(mu, logvar);
  const kl = klPerDimension.reduce((a, b) => a + b, 0.0);
  const elbo = -(reconstruction + kl);
  return { mu, logvar, z, logits, reconstructions, reconstruction, klPerDimension, kl, elbo };
}

/**
 * log p(x, z) - log q(z|x) for z = mu + exp(logvar / 2) * noise.
 *
 * With log 2 pi cancelled: -reconstruction + the sum of (noise^2 + logvar - z^2) / 2.
 *
 * @param {Model} model
 * @param {ArrayLike<number>} x
 * @param {Numbers} mu
 * @param {Numbers} logvar
 * @param {Numbers} noise
 * @param {number} [label]
 */
export function logImportanceWeight(model, x, mu, logvar, noise, label = 0) {
  const z = reparameterizeForward(mu, logvar, noise);
  let logRatio = 0.0;
  for (let i = 0; i < z.length; i++) logRatio += 0.5 * (noise[i] * noise[i] + logvar[i] - z[i] * z[i]);
  return logRatio - reconstructionForward(model, decode(model, z, label), x);
}

/**
 * The importance-weighted bound of log p(x): the log of the mean of the weights.
 *
 * error is its standard error, that of the weights divided by their mean; effective is the effective
 * sample size, (sum of w)^2 / sum of w^2, between 1 and K.
 *
 * @param {ArrayLike<number>} logW
 */
export function importanceWeighted(logW) {
  const all = Array.from(logW);
  const largest = all.reduce((a, b) => Math.max(a, b), -Infinity);
  const w = all.map((one) => Math.exp(one - largest)); // the largest is 1, so the sum is no 0
  const average = w.reduce((a, b) => a + b, 0.0) / w.length;
  const squares = w.reduce((a, b) => a + b * b, 0.0);
  const variance = Math.max(squares / w.length - average * average, 0.0);
  return {
    bound: largest + Math.log(average),
    error: Math.sqrt(variance / Math.max(w.length - 1, 1)) / average,
    effective: (average * w.length) ** 2 / squares,
  };
}
