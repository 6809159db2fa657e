// log p(x) by importance sampling, in a worker, when asked for.

import { IMPORTANCE_SAMPLES } from "./state.js";
import { element, make, words } from "./dom.js";

/** @typedef {import("./state.js").App} App */
/** @typedef {{bound: number, error: number, effective: number, milliseconds: number}} Answer */

const FEW = 10; // effective samples, below which the error itself is not known

/** @param {App} app */
export function setUpAsking(app) {
  const button = element("ask", "button");
  const answer = element("answer");
  const source = new Blob([element("worker").textContent ?? ""], { type: "text/javascript" });
  /** @type {Answer | null} */
  let last = null;
  let about = ""; // the x and the label that are asked about
  /** @type {Worker | null} */
  let worker = null;
  let asked = 0;

  function start() {
    const address = URL.createObjectURL(source);
    const started = new Worker(address);
    URL.revokeObjectURL(address);
    started.onmessage = ({ data }) => hear(data);
    started.onerror = () => {
      answer.textContent =
        "This browser starts no worker for a page opened from disk, so log p(x) cannot be estimated here.";
    };
    started.postMessage({ model: app.model });
    return started;
  }

  /** @param {Answer & {asked: number, done: number}} message  without a bound until all are done */
  function hear(message) {
    if (message.asked !== asked) return;
    if (message.bound === undefined) {
      answer.textContent = `${words(message.done, 0)} of ${words(IMPORTANCE_SAMPLES, 0)} samples…`;
      return;
    }
    button.disabled = false;
    last = message;
    show(message);
    app.logP = message.bound;
    app.tell("answer");
  }

  /** @param {Answer} found */
  function show({ bound, error, effective, milliseconds }) {
    const few = effective < FEW;
    const value = words(bound, app.digits);
    const number = make("strong", {
      text: few
        ? `log p(x) is probably above ${value} nats`
        : `log p(x) ≈ ${value} ± ${words(error, error < 0.1 ? 3 : 1)} nats`,
    });
    number.dataset.value = String(bound);
    number.dataset.error = String(error);
    number.dataset.milliseconds = String(milliseconds);
    number.id = "log-p";
    const trust = few ? `: only about ${words(effective, 0)} of ${IMPORTANCE_SAMPLES.toLocaleString("en")} samples count` : "";
    const gap = bound - app.weighed.elbo;
    const above = `${words(Math.abs(gap), app.digits)} ${gap < 0 ? "below" : "above"} the ELBO`;
    answer.replaceChildren(number, `${trust}. That is ${above}.`);
  }

  button.addEventListener("click", () => {
    worker ??= start();
    asked += 1;
    button.disabled = true;
    answer.textContent = "Sampling…";
    worker.postMessage({ x: app.x, label: app.label, samples: IMPORTANCE_SAMPLES, seed: app.seed, asked });
  });
  app.on("x", () => {
    const now = `${app.label} ${app.x.join()}`;
    if (now === about) {
      if (last) show(last); // other noise: x is the same, and only the ELBO moved
      return;
    }
    about = now;
    last = null;
    asked += 1; // what is still coming speaks of another x
    app.logP = NaN;
    button.disabled = false;
    answer.textContent = "";
  });
}
