// The loss step by step: what is computed, with the present numbers in their places, and in NumPy.

import { LIKELIHOODS } from "./vae.js";
import { IMPORTANCE_SAMPLES } from "./state.js";
import { columnName } from "./columns.js";
import { numpyLines } from "./code.js";
import { element, make, words } from "./dom.js";

/** @typedef {import("./state.js").App} App */
/**
 * @typedef {object} Step
 * @property {"encode" | "sample" | "decode" | "reconstruction" | "kl" | "elbo" | "bound"} code
 * @property {string} title
 * @property {string} says
 * @property {[string, string]} tutorial  page and equation
 * @property {() => string} formula
 * @property {(() => number) | null} value  what is compared when the noise is redrawn
 */

const EQUATIONS = /** @type {Record<string, string>} */ ({
  bernoulli: "(6.4)",
  continuous_bernoulli: "(6.17)",
  gaussian: "(6.10)",
  gaussian_learned: "(6.10)",
  poisson: "(6.1)",
});

/** @param {App} app @returns {Step[]} */
function steps(app) {
  const w = () => app.weighed;
  /** The dimension of z that costs this x most. */
  const j = () => w().klPerDimension.reduce((best, v, i, all) => (v > all[best] ? i : best), 0);
  /** @param {number} v */
  const n = (v) => words(v, 2);
  /** @param {number} v */
  const nats = (v) => words(v, app.digits);
  /** @param {number} v */
  const inner = (v) => (v < 0 ? `(${n(v)})` : n(v));
  return [
    {
      code: "encode",
      title: "Encode",
      says: "x becomes the mean and the log variance of q(z|x).",
      tutorial: ["04-the-reparameterization-trick", "(4.19)"],
      formula: () =>
        `In z[${j()}]: mu = ${n(w().mu[j()])}, sigma = exp(${n(w().logvar[j()])} / 2) = ${n(Math.exp(w().logvar[j()] / 2))}`,
      value: () => w().mu[j()],
    },
    {
      code: "sample",
      title: "Sample",
      says: "Noise is drawn apart from mu and sigma, so that z is a smooth function of both, and a gradient can pass.",
      tutorial: ["04-the-reparameterization-trick", "(4.2)"],
      formula: () =>
        w()
          .z.map(
            (z, k) =>
              `z[${j()}] = ${n(w().mu[j()])} + ${n(Math.exp(w().logvar[j()] / 2))} × ${inner(app.noise[k][j()])} = ${n(z[j()])}`,
          )
          .join("\n"),
      value: () => w().z[0][j()],
    },
    {
      code: "decode",
      title: "Decode",
      says: "Each z becomes logits: what the decoder says about every value of x.",
      tutorial: ["02-dense-layers-by-hand", "(2.1)"],
      formula: () => dearest(app),
      value: () => w().logits[0].reduce((a, b) => a + b, 0),
    },
    {
      code: "reconstruction",
      title: "Reconstruction",
      says: "How surprised the decoder is by x: −log p(x|z), summed over x, a mean over the samples of z.",
      tutorial: ["06-likelihoods", EQUATIONS[app.model.likelihood]],
      formula: () =>
        `(${w().reconstructions.map(nats).join(" + ")}) / ${w().reconstructions.length} = ${nats(w().reconstruction)} nats`,
      value: () => w().reconstruction,
    },
    {
      code: "kl",
      title: "KL",
      says: "What the code costs: how far q(z|x) is from the prior. No noise is in it.",
      tutorial: ["05-the-kl-term", "(5.2)"],
      formula: () => {
        const [mu, logvar] = [w().mu[j()], w().logvar[j()]];
        return `In z[${j()}]: (${inner(mu)}² + ${n(Math.exp(logvar))} − 1 − ${inner(logvar)}) / 2 = ${n(w().klPerDimension[j()])}\nSum over ${w().mu.length}: ${nats(w().kl)} nats`;
      },
      value: () => w().kl,
    },
    {
      code: "elbo",
      title: "ELBO",
      says: "A lower bound of log p(x). Training minimizes its opposite.",
      tutorial: ["08-assemble-and-train", "(8.1)"],
      formula: () => `−(${nats(w().reconstruction)} + ${nats(w().kl)}) = ${nats(w().elbo)} nats`,
      value: () => w().elbo,
    },
    {
      code: "bound",
      title: "log p(x)",
      says: `With many samples, weighed by how much likelier they are than q thought, the bound becomes tight. The button under “Weigh” takes ${IMPORTANCE_SAMPLES.toLocaleString("en")}.`,
      tutorial: ["10-did-it-work", "(10.1)"],
      formula: () =>
        `log p(x) ≈ log of the mean of w,  w = p(x, z) / q(z|x)${Number.isNaN(app.logP) ? "" : ` = ${nats(app.logP)} nats`}`,
      value: null,
    },
  ];
}

/** The value of x that costs most in the first sample, in words. @param {App} app */
function dearest(app) {
  const { forward, mean } = LIKELIHOODS[app.model.likelihood];
  const logits = app.weighed.logits[0];
  const costs = logits.map((logit, i) => forward(logit, app.x[i], app.model.logSigma));
  const i = costs.reduce((best, v, at) => (v > costs[best] ? at : best), 0);
  const width = app.data.image_shape?.[1] ?? 1;
  const where =
    app.data.kind === "image"
      ? `pixel at row ${Math.floor(i / width)}, column ${i % width}`
      : columnName(app)(i);
  return `Costs most: ${where}.\nx = ${words(app.x[i], 2)}, logit = ${words(logits[i], 2)}, mean = ${words(mean(logits[i]), 2)}: −log p = ${words(costs[i], 2)} nats`;
}

/**
 * Where an equation is derived: a link if it is known where the tutorials' pages are, else its name.
 *
 * Nothing is asked for before the reader clicks; a link that leaves the disk says so.
 *
 * @param {string} tutorials  an address or a folder, with a slash at its end, or nothing
 * @param {string} page
 * @param {string} equation  with its parentheses
 */
function tutorialLink(tutorials, page, equation) {
  const place = `Tutorial ${page.slice(0, 2)}, equation ${equation}`;
  if (!tutorials) return document.createTextNode(place);
  const far = /^[a-z]+:\/\//i.test(tutorials) && location.protocol === "file:";
  const href = `${tutorials}${page}.html#equation-${equation.slice(1, -1)}`;
  return make("a", {
    text: far ? `${place} (needs a network)` : place,
    attributes: { href, rel: "noreferrer" },
  });
}

/** @param {App} app */
export function setUpUnderstanding(app) {
  const lines = numpyLines(app.model, app.packed.model.names);
  const all = steps(app).map((step) => {
    const formula = make("pre", { className: "formula" });
    const change = make("p");
    const [page, equation] = step.tutorial;
    const link = tutorialLink(app.packed.tutorials, page, equation);
    const says = make("div", {}, [
      make("h3", { text: step.title }),
      make("p", { className: "quiet", text: step.says }),
      make("p", { className: "quiet" }, [link]),
    ]);
    const code = make("pre", {
      text: lines[step.code],
      attributes: {
        tabindex: "0",
        "aria-label": `NumPy: ${step.title}`,
        "data-code": step.code,
        role: "region",
      },
    });
    element("steps").append(
      make("div", { className: "step" }, [says, make("div", {}, [formula, change]), code]),
    );
    return { step, formula, change };
  });

  app.on("x", () => {
    for (const { step, formula, change } of all) {
      formula.textContent = step.formula();
      change.textContent = "";
    }
    element("redrawn").textContent = "";
  });
  app.on("answer", () => {
    for (const { step, formula } of all) formula.textContent = step.formula();
  });
  element("redraw").addEventListener("click", () => {
    const before = all.map(({ step }) => step.value?.());
    app.redrawNoise();
    let held = 0;
    all.forEach(({ step, change }, i) => {
      const [old, now] = [before[i], step.value?.()];
      if (old === undefined || now === undefined) return;
      const still = old === now;
      held += Number(still);
      change.className = still ? "held" : "moved";
      change.textContent = still
        ? "held still"
        : step.code === "decode"
          ? "moved"
          : `moved; it was ${words(old, step.code === "sample" ? 2 : app.digits)}`;
    });
    element("redrawn").textContent =
      `${held} of ${all.length - 1} steps held still; the others moved with the noise.`;
  });
}
