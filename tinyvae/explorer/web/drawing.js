// The drawing surface: mouse, pen, finger, keyboard, an example or a dropped picture give x.

import { arrow, element, onRedraw, place } from "./dom.js";
import { paintRow, valueRange } from "./paint.js";
import { drawInk, penRadius, pictureAsInk, rasterize } from "./raster.js";

/** @typedef {import("./state.js").App} App */
/** @typedef {import("./raster.js").Point} Point */

const CANVAS = 448; // of the surface; shown at any size

/** @param {App} app */
export function setUpDrawing(app) {
  const [height, width] = /** @type {[number, number]} */ (app.data.image_shape);
  const surface = element("draw", "canvas");
  const centre = element("centre", "input");
  const scratch = document.createElement("canvas"); // read back at every stroke
  const beneath = document.createElement("canvas"); // only painted
  const enlarged = CANVAS / Math.max(width, height);
  const range = valueRange(app.data);
  const ink = {
    strokes: /** @type {Point[][]} */ ([]),
    picture: /** @type {HTMLCanvasElement | null} */ (null),
  };
  /** @type {ArrayLike<number> | null} */
  let base = app.raw; // an example beneath the strokes
  const pen = { x: width / 2, y: height / 2, down: false, seen: false };
  surface.width = width * enlarged;
  surface.height = height * enlarged;
  element("give-image").hidden = false;

  function changed() {
    const started = performance.now();
    const drawn = rasterize(ink, width, height, centre.checked && !base, scratch);
    const under = base;
    app.setX(
      drawn.map((v, i) => Math.max(range.low + v * (range.high - range.low), under ? under[i] : range.low)),
    );
    paint();
    app.strokeMilliseconds.push(performance.now() - started);
  }

  function paint() {
    const context = /** @type {CanvasRenderingContext2D} */ (surface.getContext("2d"));
    context.clearRect(0, 0, surface.width, surface.height);
    context.imageSmoothingEnabled = false;
    if (base) {
      paintRow(beneath, base, app.data);
      context.drawImage(beneath, 0, 0, surface.width, surface.height);
    }
    drawInk(context, ink, { scale: 1, x: 0, y: 0 }, enlarged, width, height);
    if (!base && !ink.strokes.length && !ink.picture) invite(context);
    if (pen.seen) paintPen(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  function invite(context) {
    context.fillStyle = "#a9aeb8";
    context.font = "28px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("draw here", surface.width / 2, surface.height / 2);
  }

  /** @param {CanvasRenderingContext2D} context */
  function paintPen(context) {
    context.beginPath();
    context.arc(
      pen.x * enlarged,
      pen.y * enlarged,
      (penRadius(width, height) + 0.5) * enlarged,
      0,
      2 * Math.PI,
    );
    context.lineWidth = 3;
    context.strokeStyle = pen.down ? "#ff9d5c" : "#7ab8f5";
    context.stroke();
  }

  /** @param {PointerEvent} event @returns {Point} */
  const pointAt = (event) => {
    const at = place(surface, event);
    return { x: at.x * width, y: at.y * height };
  };

  function clear() {
    ink.strokes.length = 0;
    ink.picture = null;
    base = null;
    pen.down = false;
    changed();
  }

  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    pen.seen = false;
    if (base && !ink.strokes.length) base = null; // a new drawing replaces the example
    ink.strokes.push([pointAt(event)]);
    changed();
  });
  surface.addEventListener("pointermove", (event) => {
    if (!surface.hasPointerCapture(event.pointerId)) return;
    const stroke = ink.strokes[ink.strokes.length - 1];
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) stroke.push(pointAt(one));
    changed();
  });
  surface.addEventListener("keydown", (event) => {
    const step = arrow(event.key);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) movePen(step.right, -step.up, event.shiftKey ? 0.25 : 1);
    else if (event.key === " ") pen.down = !pen.down && startStroke();
    else if (event.key.toLowerCase() === "c") clear();
    else return;
    pen.seen = true;
    event.preventDefault();
    paint();
  });

  function startStroke() {
    if (base && !ink.strokes.length) base = null;
    ink.strokes.push([{ x: pen.x, y: pen.y }]);
    changed();
    return true;
  }

  /** @param {number} right @param {number} down @param {number} step */
  function movePen(right, down, step) {
    pen.x = Math.min(Math.max(pen.x + right * step, 0), width);
    pen.y = Math.min(Math.max(pen.y + down * step, 0), height);
    if (!pen.down) return;
    ink.strokes[ink.strokes.length - 1].push({ x: pen.x, y: pen.y });
    changed();
  }

  /** @param {Blob | null | undefined} file */
  async function takePicture(file) {
    if (!file) return;
    const lead = element("give-lead");
    try {
      const bitmap = await createImageBitmap(file);
      clear();
      ink.picture = pictureAsInk(bitmap, width, height);
      changed();
    } catch {
      lead.textContent = "This file is not a picture that the browser can read; choose a PNG or JPEG.";
    }
  }

  element("clear").addEventListener("click", clear);
  element("undo").addEventListener("click", () => {
    if (ink.strokes.length) ink.strokes.pop();
    else ink.picture = null;
    pen.down = false;
    changed();
  });
  centre.addEventListener("change", changed);
  const file = element("file", "input");
  file.addEventListener("change", () => takePicture(file.files?.[0]));
  surface.addEventListener("dragover", (event) => event.preventDefault());
  surface.addEventListener("drop", (event) => {
    event.preventDefault();
    takePicture(event.dataTransfer?.files[0]);
  });
  surface.addEventListener("blur", () => {
    pen.seen = false;
    paint();
  });
  app.on("x", () => paintRow(element("seen", "canvas"), app.x, app.data));
  onRedraw(surface, paint);

  /** Put a whole row on the surface. @param {ArrayLike<number>} raw */
  return (raw) => {
    ink.strokes.length = 0;
    ink.picture = null;
    base = raw;
    app.setX(raw);
    paint();
  };
}
