// What the sections of the page share: elements, words, canvases that are sharp, colours.

/**
 * The element with an id, which the page's HTML is known to have.
 *
 * @template {keyof HTMLElementTagNameMap} [T="div"]
 * @param {string} id
 * @param {T} [_tag]  of which kind it is, for the type checker
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(id, _tag) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element ${id}.`);
  return /** @type {HTMLElementTagNameMap[T]} */ (/** @type {unknown} */ (found));
}

/**
 * A new element with text in it; text never becomes HTML.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{text?: string, className?: string, attributes?: Record<string, string>}} [options]
 * @param {Node[]} [children]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, { text = "", className = "", attributes = {} } = {}, children = []) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A number for a reader, with a true minus sign. @param {number} value @param {number} [digits] */
export function words(value, digits = 1) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  const far = Math.abs(value) >= 1e7;
  const text = far ? value.toExponential(2) : value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/**
 * Write a number into an element: rounded for the reader, whole in data-value.
 *
 * @param {HTMLElement} where
 * @param {number} value
 * @param {number} [digits]
 */
export function write(where, value, digits = 1) {
  where.textContent = words(value, digits);
  where.dataset.value = String(value);
}

// Petroff (2021), "Accessible Color Sequences for Data Visualization", the sequence of ten; each
// class has a marker of its own besides, so that colour alone never tells.
const PALETTE = [
  "#3f90da",
  "#ffa90e",
  "#bd1f01",
  "#94a4a2",
  "#832db6",
  "#a96b59",
  "#e76300",
  "#b9ac70",
  "#717581",
  "#92dadd",
];

/** @param {number} kind */
export function kindColour(kind) {
  return PALETTE[kind % PALETTE.length];
}

/** @type {Map<string, string>} */
const colours = new Map(); // asking the style sheet at every stroke would lay the page out anew
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => colours.clear());

/** A colour of the style sheet, which knows light from dark. @param {string} name */
export function colour(name) {
  let found = colours.get(name);
  if (found === undefined) {
    found = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colours.set(name, found);
  }
  return found;
}

/** @type {WeakMap<Element, {width: number, height: number}>} */
const sizes = new WeakMap(); // likewise
/** @type {WeakMap<Element, () => void>} */
const redraws = new WeakMap();
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    sizes.set(target, { width: target.clientWidth, height: target.clientHeight });
    redraws.get(target)?.();
  }
});

/**
 * Draw on a canvas in CSS pixels, as sharp as the screen is; return its context and size.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function sharpen(canvas) {
  const ratio = window.devicePixelRatio || 1;
  let size = sizes.get(canvas);
  if (!size) {
    size = { width: canvas.clientWidth, height: canvas.clientHeight };
    sizes.set(canvas, size);
    watcher.observe(canvas);
  }
  const [width, height] = [Math.max(size.width, 1), Math.max(size.height, 1)];
  const [pixelsX, pixelsY] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixelsX || canvas.height !== pixelsY) {
    canvas.width = pixelsX;
    canvas.height = pixelsY;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Say how a canvas is to be drawn again when its size changes. @param {HTMLCanvasElement} canvas @param {() => void} draw */
export function redrawWith(canvas, draw) {
  if (!redraws.has(canvas)) watcher.observe(canvas);
  redraws.set(canvas, draw);
}

/**
 * Call back when a canvas changes its size or the colours change.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {() => void} draw
 */
export function onRedraw(canvas, draw) {
  redrawWith(canvas, draw);
  dark.addEventListener("change", draw);
}

/**
 * Where a pointer is on a canvas, in shares of its width and height.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {MouseEvent} event
 */
export function place(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

/** Call back where a pointer goes down on a canvas, and wherever it is dragged from there.
 * @param {HTMLCanvasElement} canvas @param {(event: PointerEvent) => void} drag */
export function onDrag(canvas, drag) {
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) drag(event);
  });
}

/** @param {string} key */
export function arrow(key) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const found = steps[/** @type {keyof typeof steps} */ (key)];
  return found ? { right: found[0], up: found[1] } : null;
}

/** Whether the reader has fingers and no mouse. */
export function onTouch() {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}

/** A finger that turns out to scroll the page gives a slider back the value it had. */
export function scrollPastSliders() {
  /** @type {{input: HTMLInputElement, value: string} | null} */
  let held = null;
  document.addEventListener("pointerdown", ({ target }) => {
    const slider = target instanceof HTMLInputElement && target.type === "range";
    held = slider ? { input: target, value: target.value } : null;
  });
  document.addEventListener("pointercancel", () => {
    if (held && held.input.value !== held.value) {
      held.input.value = held.value;
      held.input.dispatchEvent(new Event("input"));
    }
    held = null;
  });
}
