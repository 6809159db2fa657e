// log p(x) by importance sampling, in a worker, when asked for.

import { IMPORTANCE_SAMPLES } from "./state.js";
import { element, make, words } from "./dom.js";

/** @typedef {import("./state.js").App} App */

/** @param {App} app */
export function setUpAsking(app) {
  const button = element("ask", "button");
  const answer = element("answer");
  const source = new Blob([element("worker").textContent ?? ""], { type: "text/javascript" });
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

  /** @param {{asked: number, done: number, bound?: number, error: number, effective: number, milliseconds: number}} message */
  function hear(message) {
    if (message.asked !== asked) return;
    if (message.bound === undefined) {
      answer.textContent = `${words(message.done, 0)} of ${words(IMPORTANCE_SAMPLES, 0)} samples…`;
      return;
    }
    button.disabled = false;
    const { bound, error, effective } = message;
    const number = make("strong", {
      text: `log p(x) ≈ ${words(bound, app.digits)} ± ${words(error, error < 0.1 ? 3 : 1)} nats`,
    });
    number.dataset.value = String(bound);
    number.dataset.error = String(error);
    number.dataset.milliseconds = String(message.milliseconds);
    number.id = "log-p";
    const gap = `, ${words(bound - app.weighed.elbo, app.digits)} above the ELBO.`;
    const trust =
      effective < 10
        ? ` A few samples weigh nearly all (effective ${words(effective, 1)} of 1,000): rather a lower bound.`
        : "";
    answer.replaceChildren(number, gap + trust);
    app.logP = bound;
    app.tell("answer");
  }

  button.addEventListener("click", () => {
    worker ??= start();
    asked += 1;
    button.disabled = true;
    answer.textContent = "Sampling…";
    worker.postMessage({ x: app.x, label: app.label, samples: IMPORTANCE_SAMPLES, seed: app.seed, asked });
  });
  app.on("x", () => {
    asked += 1; // what is still coming speaks of another x
    app.logP = NaN;
    button.disabled = false;
    answer.textContent = "";
  });
}
