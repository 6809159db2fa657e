// The map of codes: where the test set lies, q(z|x) of what is in the reader's hand, and z, which
// walks over it while the decoder paints.

import { mean, decode } from "./vae.js";
import { arrow, colour, element, kindColour, make, onRedraw, place, sharpen, words } from "./dom.js";
import { mapView, marker, paintPosterior, paintStill, zPoint } from "./mapmarks.js";
import { paintRow } from "./paint.js";
import { paintCross } from "./dataplane.js";
import { noiseRows } from "./random.js";

/** @typedef {import("./state.js").App} App */

const FAINT_SAMPLES = 60; // of q(z|x), besides those that are decoded

/** @param {App} app */
export function setUpMap(app) {
  const canvas = element("map", "canvas");
  const pictures = [element("painted", "canvas"), element("painted-beside", "canvas")];
  const view = mapView(app);
  const faint = noiseRows(FAINT_SAMPLES, app.model.latentDim, 99);
  const still = document.createElement("canvas"); // what does not change with x or z
  let stillFor = "";
  const coloured = app.data.kinds ? ", coloured by what it is" : "";
  element("map-lead").textContent =
    `Each mark is one test example${coloured}; near marks look alike. The cross is where you are.`;
  element("map-details").textContent = mapWords(app);
  addLegend(app);

  function paint() {
    const { context, width } = sharpen(canvas);
    const key = `${canvas.width} ${colour("paper")}`;
    if (key !== stillFor) {
      paintStill(still, canvas, app, view, width);
      stillFor = key;
    }
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(still, 0, 0);
    context.restore();
    paintPath(context, width);
    paintPosterior(context, app, view, faint, width);
    paintCross(context, view.toScreen(zPoint(app, app.z), width));
  }

  /** @param {CanvasRenderingContext2D} context @param {number} side */
  function paintPath(context, side) {
    if (!app.endsShown) return;
    const [a, b] = app.ends.map((mu) => view.toScreen(zPoint(app, mu), side));
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.beginPath();
    context.moveTo(a[0], a[1]);
    context.lineTo(b[0], b[1]);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour("ink");
    context.font = "bold 14px system-ui, sans-serif";
    context.fillText("A", a[0] + 6, a[1] - 6);
    context.fillText("B", b[0] + 6, b[1] - 6);
  }

  function paintDecoded() {
    const decoded = mean(app.model, decode(app.model, app.z, app.label));
    for (const picture of pictures) paintRow(picture, decoded, app.data);
    element("where").textContent = `z ${zWords(app)}`;
  }

  /** @param {PointerEvent} event @param {boolean} stay */
  const walk = (event, stay) => {
    const at = place(canvas, event);
    app.setZ(app.fromMap(view.toMap(at.x, at.y)), stay);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    walk(event, true);
  });
  canvas.addEventListener("pointermove", (event) => walk(event, canvas.hasPointerCapture(event.pointerId)));
  canvas.addEventListener("pointerleave", () => app.setZ(app.pinned));
  canvas.addEventListener("keydown", (event) => {
    const step = arrow(event.key);
    if (!step) return;
    event.preventDefault();
    const size = event.shiftKey ? 0.5 : 0.1;
    const here = app.toMap(app.pinned);
    app.setZ(app.fromMap([here[0] + step.right * size, (here[1] ?? 0) + step.up * size]));
  });
  element("to-mu").addEventListener("click", () => app.setZ(app.weighed.mu));
  element("to-zero").addEventListener("click", () => app.setZ(new Float64Array(app.model.latentDim)));
  app.on("z", () => {
    // which every new x is followed by
    paint();
    paintDecoded();
  });
  app.on("path", paint);
  onRedraw(canvas, paint);
  for (const picture of pictures) onRedraw(picture, paintDecoded);
}

/** @param {App} app */
function mapWords(app) {
  const { plane, rows } = app.data;
  const dots = `Each mark is mu of one of ${rows} test examples; the ellipses are q(z|x) at one and two sigma, its samples are dots, the cross is z.`;
  if (app.model.latentDim === 1) return `Across: z. Up: the standard deviation of q(z|x). ${dots}`;
  if (!plane.principal) return `The plane of z itself. ${dots}`;
  const [first, second] = (plane.shares ?? []).map((share) => `${words(100 * share, 0)} %`);
  return `The two principal directions of mu (${first} and ${second} of its variance). ${dots}`;
}

/** @param {App} app */
function zWords(app) {
  const z = app.z;
  if (z.length <= 2) return `= (${Array.from(z, (v) => words(v, 2)).join(", ")})`;
  const [x, y] = app.toMap(z);
  const length = Math.sqrt(z.reduce((sum, v) => sum + v * v, 0));
  return `at (${words(x, 2)}, ${words(y, 2)}) on the map; length ${words(length, 1)} (the prior's is about ${words(Math.sqrt(z.length), 1)})`;
}

/** @param {App} app */
function addLegend(app) {
  const legend = element("legend");
  if (!app.data.kinds) legend.hidden = true;
  const there = new Set(app.data.kinds ?? []);
  app.data.kind_names.forEach((name, kind) => {
    if (!there.has(kind)) return;
    const canvas = make("canvas", { attributes: { width: "14", height: "14", "aria-hidden": "true" } });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.fillStyle = kindColour(kind);
    marker(context, 7, 7, 5, kind);
    legend.append(make("li", {}, [canvas, document.createTextNode(name)]));
  });
}
