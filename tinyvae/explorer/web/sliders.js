// A slider for every dimension of z, the one with most KL first.

import { carrying } from "./state.js";
import { arrow, element, make, words } from "./dom.js";

/** @typedef {import("./state.js").App} App */

const FIRST = 32; // sliders made at once; the others when asked for
const REACH = 4;
const STEP = 0.1; // of an arrow key

/** @param {App} app */
export function setUpSliders(app) {
  const list = element("sliders");
  const all = element("all-sliders", "button");
  const most = Math.max(...app.data.kl_per_dimension, 1e-9);
  /** @type {{dimension: number, input: HTMLInputElement, output: HTMLOutputElement}[]} */
  const rows = [];

  /** @param {number} dimension */
  function add(dimension) {
    const id = `z-${dimension}`;
    const usual = app.data.kl_per_dimension[dimension];
    const input = make("input", {
      attributes: { type: "range", id, min: String(-REACH), max: String(REACH), step: "0.01" },
    });
    const output = make("output", { attributes: { for: id } });
    const label = make("label", { text: `z[${dimension}]`, attributes: { for: id } });
    const about = `KL of z[${dimension}], mean over the test set: ${words(usual, 2)} nats`;
    const bar = make("div");
    bar.style.width = `${(100 * usual) / most}%`;
    const carries = make(
      "div",
      { className: "carries", attributes: { title: about, "aria-hidden": "true" } },
      [bar],
    );
    input.title = about;
    /** @param {number} value */
    const move = (value) => {
      const z = Float64Array.from(app.pinned);
      z[dimension] = Math.min(Math.max(value, -REACH), REACH);
      app.setZ(z);
    };
    input.addEventListener("input", () => move(input.valueAsNumber));
    input.addEventListener("keydown", (event) => {
      const step = arrow(event.key);
      if (!step) return;
      event.preventDefault();
      move(app.pinned[dimension] + STEP * (step.right + step.up));
    });
    list.append(make("div", { className: "slider" }, [label, carries, input, output]));
    rows.push({ dimension, input, output });
  }

  function show() {
    for (const { dimension, input, output } of rows) {
      const text = words(app.z[dimension], 2);
      if (output.textContent === text) continue;
      output.textContent = text;
      input.value = String(app.z[dimension]);
    }
  }

  element("sliders-lead").textContent = carrying(app.data) < app.order.length
    ? "Sorted by KL: the dimensions that carry most come first. Those with almost no KL change nothing."
    : "Sorted by KL: the dimensions that carry most come first.";
  app.order.slice(0, FIRST).forEach(add);
  const rest = app.order.slice(FIRST);
  all.hidden = !rest.length;
  all.textContent = `Show the other ${rest.length} dimensions`;
  all.addEventListener("click", () => {
    rest.forEach(add);
    all.hidden = true;
    show();
    rows[FIRST].input.focus();
  });
  app.on("z", show);
}
