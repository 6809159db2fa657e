// Six steps for a first visit; it stands aside, closes with Escape and is offered, not imposed.

import { carrying } from "./state.js";
import { element, onTouch } from "./dom.js";

const SEEN = "tinyvae tour seen";

/** @typedef {import("./state.js").App} App */

/** @param {App} app @returns {[string, string, string][]} */
function tourSteps(app) {
  const { kind } = app.data;
  const idle = carrying(app.data) < app.order.length;
  const give = {
    image:
      "Draw a digit in the black square; your first stroke takes the example away. At every stroke the encoder reads the small picture beside it: your drawing, centred and scaled like the data it learned from.",
    plane:
      "Move the cross. The shade is the density that the model has learned; rings show what the decoder makes of three codes of x.",
    table:
      "Drag a bar, or choose a column and type its value. At every change the encoder reads the whole row.",
  }[kind];
  return [
    ["give", kind === "image" ? "Draw something" : "Choose an x", give ?? ""],
    [
      "numbers",
      "Three numbers",
      "Reconstruction: what is lost on the way through the code. KL: what the code costs. Their sum, with a minus, is the ELBO, and training makes it as high as it can. The line in the histogram shows where your x stands among the test data: try something that is no digit.",
    ],
    [
      "map-section",
      "A map of codes",
      `The encoder turns x not into a point but into a cloud, q(z|x): the ellipses. ${onTouch() ? "Drag on" : "Move over"} the map and the decoder paints what it believes to be there.`,
    ],
    [
      "sliders-section",
      "One dimension at a time",
      `Each slider moves one number of z. The small bar beside its name tells how much it carries${idle ? "; where the bar is empty, nothing changes" : ""}.`,
    ],
    [
      "wall-section",
      "Scale the noise",
      "Samples from the prior, all from the same noise. Move the slider: near 0 they are all alike, at 1 as the model believes, beyond it bold and then wrong.",
    ],
    [
      "understand",
      "Understand every number",
      "The whole loss with your numbers in their places. Redraw the noise: mu, sigma and KL hold still, z, the reconstruction and with it the ELBO move. That is the reparameterization.",
    ],
  ];
}

/** @param {App} app */
export function setUpTour(app) {
  const card = element("tour");
  const all = tourSteps(app);
  let at = -1;

  /** @param {number} step @param {boolean} [focus] */
  function show(step, focus = true) {
    for (const [id] of all) element(id).classList.remove("shown");
    at = step;
    card.hidden = at < 0;
    if (at < 0) return;
    const [id, title, text] = all[at];
    element("tour-count").textContent = `Step ${at + 1} of ${all.length}`;
    element("tour-title").textContent = title;
    element("tour-text").textContent = text;
    element("tour-next").textContent = at === all.length - 1 ? "Done" : "Next";
    element("tour-back", "button").disabled = at === 0;
    element("tour-skip").hidden = at === all.length - 1;
    element(id).classList.add("shown");
    if (focus) {
      standAside(card, element(id));
      element(id).scrollIntoView({ block: "start" });
      element("tour-title").focus({ preventScroll: true });
    }
  }

  function end() {
    show(-1);
    element("tour-start").focus();
    try {
      localStorage.setItem(SEEN, "yes");
    } catch {
      // a browser may keep nothing for files; then the tour is offered again
    }
  }

  element("tour-start").addEventListener("click", () => show(0));
  element("tour-next").addEventListener("click", () => (at === all.length - 1 ? end() : show(at + 1)));
  element("tour-back").addEventListener("click", () => show(at - 1));
  element("tour-skip").addEventListener("click", end);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && at >= 0) end();
  });
  // On a small screen the card would cover what it speaks of; there the button at the top is enough.
  if (!seenBefore() && matchMedia("(min-width: 46rem)").matches) show(0, false);
}

/** The card stands on the left where what it speaks of is on the right.
 * @param {HTMLElement} card @param {HTMLElement} section */
function standAside(card, section) {
  const box = section.getBoundingClientRect();
  card.classList.toggle("left", box.left > 0.4 * window.innerWidth);
}

function seenBefore() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false;
  }
}
