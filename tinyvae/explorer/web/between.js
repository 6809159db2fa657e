// From one picture to another along a straight line between their codes.

import { decode, mean } from "./vae.js";
import { element, make, onRedraw, words } from "./dom.js";
import { paintRow } from "./paint.js";

/** @typedef {import("./state.js").App} App */

const STEPS = 11;

/** @param {App} app */
export function setUpBetween(app) {
  const slider = element("between", "input");
  const examples = app.data.examples.values;
  /** @type {ArrayLike<number>[]} */
  const rows = [examples[0], examples[Math.min(1, examples.length - 1)]];
  const film = Array.from({ length: STEPS }, () => make("canvas"));
  element("film").append(...film);

  /** @param {number} t */
  function at(t) {
    const [a, b] = app.ends;
    const z = a.map((v, i) => (1 - t) * v + t * b[i]);
    return { z, row: mean(app.model, decode(app.model, z, app.label)) };
  }

  function paint() {
    if (app.ends.length < 2) return;
    paintRow(element("picture-a", "canvas"), rows[0], app.data);
    paintRow(element("picture-b", "canvas"), rows[1], app.data);
    film.forEach((canvas, i) => paintRow(canvas, at(i / (STEPS - 1)).row, app.data));
    paintBetween();
  }

  function paintBetween() {
    const t = slider.valueAsNumber;
    element("between-value").textContent = words(t, 2);
    element("between-text").textContent = `${words(100 * (1 - t), 0)} % A, ${words(100 * t, 0)} % B`;
    paintRow(element("picture-between", "canvas"), at(t).row, app.data);
  }

  function ends() {
    app.ends = rows.map((row) => app.muOf(row));
    app.tell("path");
    paint();
  }

  ["a", "b"].forEach((name, i) =>
    element(`take-${name}`).addEventListener("click", () => {
      rows[i] = app.raw;
      app.endsShown = true;
      ends();
    }),
  );
  slider.addEventListener("input", () => {
    paintBetween();
    app.endsShown = true;
    app.setZ(at(slider.valueAsNumber).z);
  });
  let label = -1;
  app.on("z", () => {
    if (label === app.label) return;
    label = app.label;
    ends();
  });
  onRedraw(film[0], paint);
}
