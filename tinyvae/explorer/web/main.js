// The page begins here: unpack, set up every section, show the first example.

import {
  ACTIVATIONS,
  LIKELIHOODS,
  decode,
  forward,
  importanceWeighted,
  logImportanceWeight,
  mean,
} from "./vae.js";
import { numpyLines } from "./code.js";
import { buildModel, unpack } from "./unpack.js";
import { createApp } from "./state.js";
import { arrow, element, make, scrollPastSliders, words } from "./dom.js";
import { paintRow } from "./paint.js";
import { setUpDrawing } from "./drawing.js";
import { setUpColumns } from "./columns.js";
import { setUpDataPlane } from "./dataplane.js";
import { likeness, setUpNumbers } from "./numbers.js";
import { setUpAsking } from "./asking.js";
import { setUpMap } from "./map.js";
import { setUpSliders } from "./sliders.js";
import { setUpWall } from "./wall.js";
import { setUpBetween } from "./between.js";
import { setUpUnderstanding } from "./understand.js";
import { setUpTour } from "./tour.js";

/** @typedef {import("./state.js").App} App */

/** @param {App} app @param {(raw: ArrayLike<number>) => void} put */
function setUpExamples(app, put) {
  const { values, kinds } = app.data.examples;
  /** @type {HTMLButtonElement | null} */
  let pressed = null;
  values.forEach((row, i) => {
    const kind = kinds ? `, ${app.data.kind_names[kinds[i]]}` : "";
    const name = `Example ${i + 1}${kind}`;
    const canvas = make("canvas", { attributes: { "aria-hidden": "true" } });
    const tabindex = i === 0 ? "0" : "-1"; // all of them are one stop of the Tab key
    const button = make(
      "button",
      { attributes: { type: "button", tabindex, "aria-label": name, title: name, "aria-pressed": "false" } },
      [canvas],
    );
    if (app.data.kind === "plane") button.textContent = String(i + 1);
    element("examples").append(button);
    paintRow(canvas, row, app.data);
    button.addEventListener("click", () => {
      if (kinds && app.model.nClasses) chooseLabel(app, kinds[i]);
      put(row);
      button.setAttribute("aria-pressed", "true");
      pressed = button;
    });
  });
  walkByArrows(element("examples"));
  app.on("x", () => {
    pressed?.setAttribute("aria-pressed", "false");
    pressed = null;
  });
}

/** One tab stop for a group of buttons, among which arrow keys walk. @param {HTMLElement} group */
function walkByArrows(group) {
  const buttons = Array.from(group.querySelectorAll("button"));
  group.addEventListener("focusin", (event) => {
    for (const button of buttons) button.tabIndex = button === event.target ? 0 : -1;
  });
  group.addEventListener("keydown", (event) => {
    const at = buttons.findIndex((button) => button === document.activeElement);
    const step = arrow(event.key);
    const ends = { Home: 0, End: buttons.length - 1 }[event.key];
    if (!step && ends === undefined) return;
    event.preventDefault();
    const to = ends ?? at + (step ? step.right - step.up : 0);
    buttons[Math.min(Math.max(to, 0), buttons.length - 1)].focus();
  });
}

/** @param {App} app @param {number} label */
function chooseLabel(app, label) {
  element("label", "select").value = String(label);
  app.setLabel(label);
}

/** @param {App} app */
function setUpLabels(app) {
  if (!app.model.nClasses) return;
  const list = element("label", "select");
  for (let i = 0; i < app.model.nClasses; i++) {
    list.append(
      make("option", { text: app.data.kind_names[i] ?? String(i), attributes: { value: String(i) } }),
    );
  }
  element("label-row").hidden = false;
  app.label = app.data.examples.kinds?.[0] ?? 0;
  list.value = String(app.label);
  list.addEventListener("change", () => app.setLabel(Number(list.value)));
}

/** @param {App} app */
function setUpWords(app) {
  const { model, version } = app.packed;
  const { rounding, binarize, kind, name } = app.data;
  const what = {
    image: `a picture of ${model.input_dim} pixels`,
    table: `a row of ${model.input_dim} columns`,
    plane: "a point of the plane",
  }[kind];
  const numbers = model.latent_dim === 1 ? "one number" : `${model.latent_dim} numbers`;
  element("about").textContent =
    `A variational autoencoder (VAE)${name === "data" ? "" : ` of ${name}`}. It turns ${what} into a code of ${numbers} and back again; here you can see what that keeps, and what it costs.`;
  element("facts").textContent =
    `${model.text}. Everything is computed in this page; nothing is loaded, nothing is sent.`;
  const how = binarize === "threshold" ? ` ${kind === "image" ? "Each pixel is rounded to black or white" : "Each value is rounded to 0 or 1"}.` : "";
  const titles = { image: "Draw", table: "Choose a row", plane: "Choose a point" };
  const leads = {
    image: `Draw in the square with the mouse or a finger, or take an example below. At every stroke all numbers on this page change.${how}`,
    table: `Change any column of x. At every step all numbers on this page change.${how}`,
    plane: "Move x through the plane of the data. At every step all numbers on this page change.",
  };
  element("give-title").textContent = titles[kind];
  element("give-lead").textContent = leads[kind];
  const cost = rounding.after - rounding.before;
  element("rounding").textContent =
    `The weights are stored as ${rounding.precision}. On ${rounding.rows} test examples of ${name} the mean ELBO is ${words(rounding.before, 3)} nats ` +
    `with the model's own ${rounding.dtype} and ${words(rounding.after, 3)} with these: rounding changed it by ${words(cost, 4)}.`;
  element("made").textContent = `Made by tinyvae ${version}.`;
}

function begin() {
  const app = createApp(JSON.parse(element("packed").textContent ?? ""));
  const setUpGiving = { image: setUpDrawing, table: setUpColumns, plane: setUpDataPlane }[app.data.kind];
  setUpWords(app);
  setUpLabels(app);
  const put = setUpGiving(app);
  setUpNumbers(app);
  setUpAsking(app);
  setUpMap(app);
  setUpSliders(app);
  setUpWall(app);
  setUpBetween(app);
  setUpUnderstanding(app);
  setUpExamples(app, put);
  element("to-x").addEventListener("click", () => put(mean(app.model, decode(app.model, app.z, app.label))));
  put(app.data.examples.values[0]);
  setUpTour(app);
  scrollPastSliders();
  // For the curious, in the browser's console: tinyvae.app.weighed, tinyvae.forward(model, x, noise).
  Object.assign(window, {
    tinyvae: {
      ACTIVATIONS, LIKELIHOODS, app, buildModel, decode, forward, importanceWeighted,
      likeness, logImportanceWeight, mean, numpyLines, unpack,
    },
  });
}

begin();
