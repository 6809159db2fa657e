// A row of a table as bars that can be dragged, or set one by one.

import { arrow, element, make, onDrag, onRedraw, place } from "./dom.js";
import { barScale, paintBars } from "./paint.js";

/** @typedef {import("./state.js").App} App */

const MOST_IN_LIST = 2000;
const MOST_COLUMN_NAMES = 12; // bars with their column's name beneath

/** @param {App} app */
export function setUpColumns(app) {
  const canvas = element("columns", "canvas");
  const list = element("column", "select");
  const value = element("value", "input");
  const count = app.model.inputDim;
  let chosen = 0;
  element("give-columns").hidden = false;
  const name = columnName(app);
  for (let i = 0; i < Math.min(count, MOST_IN_LIST); i++) {
    list.append(make("option", { text: name(i), attributes: { value: String(i) } }));
  }

  for (let i = 0; i < count && count <= MOST_COLUMN_NAMES; i++) {
    element("column-names").append(make("span", { text: name(i), attributes: { title: name(i) } }));
  }

  /** A value as the likelihood can have it. @param {number} wanted */
  function allowed(wanted) {
    if (app.data.binarize === "threshold") return wanted >= 0.5 ? 1 : 0;
    if (app.data.whole) return Math.max(Math.round(wanted), 0);
    const unit = app.model.likelihood.includes("bernoulli");
    return unit ? Math.min(Math.max(wanted, 0), 1) : wanted;
  }

  /** @param {number} wanted */
  function change(wanted) {
    if (!Number.isFinite(wanted)) return;
    const raw = Float64Array.from(app.raw);
    raw[chosen] = allowed(wanted);
    app.setX(raw);
  }

  function paint() {
    paintBars(canvas, app.raw, app.data, chosen);
    list.value = String(Math.min(chosen, MOST_IN_LIST - 1));
    if (document.activeElement !== value) value.value = String(Number(app.raw[chosen].toPrecision(6)));
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    const at = place(canvas, event);
    if (event.type === "pointerdown") chosen = Math.min(Math.max(Math.floor(at.x * count), 0), count - 1);
    change(barScale(app.data, canvas.clientHeight).value(at.y * canvas.clientHeight));
  }

  onDrag(canvas, drag);
  canvas.addEventListener("keydown", (event) => {
    const step = arrow(event.key);
    if (!step) return;
    event.preventDefault();
    chosen = (chosen + step.right + count) % count;
    const size =
      app.data.whole || app.data.binarize === "threshold"
        ? 1
        : (app.data.high[chosen] - app.data.low[chosen]) / 20 || 0.05;
    if (step.up) change(app.raw[chosen] + step.up * size);
    paint();
  });
  list.addEventListener("change", () => {
    chosen = Number(list.value);
    paint();
  });
  value.addEventListener("input", () => change(value.valueAsNumber));
  value.addEventListener("change", paint);
  app.on("x", paint);
  onRedraw(canvas, paint);
  return app.setX;
}

/** What a column is called. @param {App} app */
export function columnName(app) {
  /** @param {number} i */
  return (i) => app.data.columns[i] ?? `x[${i}]`;
}
