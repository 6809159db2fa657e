// The lines of NumPy that compute each number, for the model in this page.  They run as they stand,
// given `p = vae.parameters`, one `x` of shape (input_dim,) and `noise` of shape (K, latent_dim).

/** @typedef {import("./vae.js").Model} Model */

/** @type {Record<string, (a: string) => string>} */
const ACTIVATION_CODE = {
  relu: (a) => `np.maximum(${a}, 0)`,
  tanh: (a) => `np.tanh(${a})`,
  softplus: (a) => `np.logaddexp(0, ${a})`,
  sigmoid: (a) => `1 / (1 + np.exp(-(${a})))`,
  identity: (a) => a,
};

/** @param {Model} model @param {"encoder" | "decoder"} name @param {string} input @param {string} output
 * @param {string} labelName */
function networkCode(model, name, input, output, labelName) {
  const { layers, labelRows } = model[name];
  return layers.map((_, i) => {
    const from = i === 0 ? input : "h";
    const label = labelRows && i === 0 ? ` + p["${labelName}"][label]` : "";
    const a = `${from} @ p["${name}.${i}.weight"] + p["${name}.${i}.bias"]${label}`;
    return i === layers.length - 1 ? `${output} = ${a}` : `h = ${ACTIVATION_CODE[model.activation](a)}`;
  });
}

/** @param {Model} model @param {string} logSigmaName @returns {string[]} */
function reconstructionCode(model, logSigmaName) {
  const end = ".sum(axis=-1)\nreconstruction = minus_log_p.mean()";
  if (model.likelihood === "bernoulli") return [`minus_log_p = (np.logaddexp(0, logits) - x * logits)${end}`];
  if (model.likelihood === "poisson") {
    return [
      "log_factorial = np.vectorize(math.lgamma)(x + 1)",
      `minus_log_p = (np.exp(logits) - x * logits + log_factorial)${end}`,
    ];
  }
  if (model.likelihood === "continuous_bernoulli") {
    return [
      "h = np.maximum(np.abs(logits) / 2, 1e-9)",
      "log_partition = logits / 2 + np.log(np.sinh(h) / h)",
      `minus_log_p = (log_partition - x * logits)${end}`,
    ];
  }
  const sigma =
    model.likelihood === "gaussian_learned"
      ? `np.exp(p["${logSigmaName}"])`
      : String(Math.exp(model.logSigma));
  return [
    `sigma = ${sigma}  # of p(x|z)`,
    "residual = (x - logits) / sigma",
    `minus_log_p = (np.log(2 * np.pi) / 2 + np.log(sigma) + residual**2 / 2)${end}`,
  ];
}

/**
 * @param {Model} model
 * @param {{encoder: string, decoder: string, log_sigma: string}} names
 * @returns {Record<"encode" | "sample" | "decode" | "reconstruction" | "kl" | "elbo" | "bound", string>}
 */
export function numpyLines(model, names) {
  return {
    encode: [
      ...networkCode(model, "encoder", "x", "output", names.encoder),
      "mu, raw_logvar = np.split(output, 2)",
      "logvar = 10 * np.tanh(raw_logvar / 10)",
    ].join("\n"),
    sample: "z = mu + np.exp(logvar / 2) * noise",
    decode: networkCode(model, "decoder", "z", "logits", names.decoder).join("\n"),
    reconstruction: reconstructionCode(model, names.log_sigma).join("\n"),
    kl: "kl = ((mu**2 + np.exp(logvar) - 1 - logvar) / 2).sum()",
    elbo: "elbo = -(reconstruction + kl)\nloss = -elbo  # with beta = 1",
    bound: [
      "log_w = ((noise**2 + logvar - z**2) / 2).sum(axis=-1) - minus_log_p",
      "log_p = np.log(np.exp(log_w - log_w.max()).mean()) + log_w.max()",
    ].join("\n"),
  };
}
