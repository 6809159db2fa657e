// From strokes to pixels, centred and scaled as MNIST's digits were: the ink fits a box of 20 by 20
// of the 28 by 28 pixels, and its centre of mass lies in the middle (LeCun and others, 1998).

/** @typedef {{x: number, y: number}} Point  in pixels of the picture */
/** @typedef {{strokes: Point[][], picture: HTMLCanvasElement | null}} Ink */
/** @typedef {{scale: number, x: number, y: number}} Placement */

const BOX = 20 / 28;
const SUPER = 4; // each pixel is the mean of 4 by 4 finer ones
const MOST_SCALED = 3; // a dot stays a dot

/** The pen's radius in pixels. @param {number} width @param {number} height */
export function penRadius(width, height) {
  return (1.15 * Math.min(width, height)) / 28;
}

/**
 * The picture of some ink, (height * width,) values from 0 to 1, row by row.
 *
 * @param {Ink} ink
 * @param {number} width
 * @param {number} height
 * @param {boolean} centre
 * @param {HTMLCanvasElement} scratch
 */
export function rasterize(ink, width, height, centre, scratch) {
  const box = centre ? bounds(ink, width, height) : null;
  if (!box) return average(ink, { scale: 1, x: 0, y: 0 }, width, height, scratch);
  const scale = Math.min((BOX * width) / box.width, (BOX * height) / box.height, MOST_SCALED);
  const first = {
    scale,
    x: width / 2 - scale * (box.x + box.width / 2),
    y: height / 2 - scale * (box.y + box.height / 2),
  };
  const middle = centreOfMass(average(ink, first, width, height, scratch), width, height);
  const moved = { scale, x: first.x + width / 2 - middle.x, y: first.y + height / 2 - middle.y };
  return average(ink, moved, width, height, scratch);
}

/** Draw the ink onto a canvas, placed and enlarged.
 * @param {CanvasRenderingContext2D} context @param {Ink} ink @param {Placement} placement
 * @param {number} enlarged @param {number} width @param {number} height */
export function drawInk(context, ink, placement, enlarged, width, height) {
  const unit = placement.scale * enlarged;
  context.setTransform(unit, 0, 0, unit, placement.x * enlarged, placement.y * enlarged);
  if (ink.picture) context.drawImage(ink.picture, 0, 0, width, height);
  context.strokeStyle = "#fff";
  context.lineWidth = 2 * penRadius(width, height);
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of ink.strokes) {
    context.beginPath();
    context.moveTo(stroke[0].x - 0.01, stroke[0].y); // a line of no length would not be drawn
    for (const point of stroke) context.lineTo(point.x, point.y);
    context.stroke();
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
}

/** @param {Ink} ink @param {Placement} placement @param {number} width @param {number} height
 * @param {HTMLCanvasElement} scratch */
function average(ink, placement, width, height, scratch) {
  const [fineWidth, fineHeight] = [width * SUPER, height * SUPER];
  if (scratch.width !== fineWidth || scratch.height !== fineHeight) {
    scratch.width = fineWidth;
    scratch.height = fineHeight;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (
    scratch.getContext("2d", { willReadFrequently: true })
  );
  context.clearRect(0, 0, fineWidth, fineHeight);
  drawInk(context, ink, placement, SUPER, width, height);
  const fine = context.getImageData(0, 0, fineWidth, fineHeight).data;
  const found = new Float64Array(width * height);
  for (let y = 0, at = 3; y < fineHeight; y++) {
    for (let x = 0; x < fineWidth; x++, at += 4) {
      found[((y / SUPER) | 0) * width + ((x / SUPER) | 0)] += fine[at];
    }
  }
  return found.map((sum) => Math.round(sum / (SUPER * SUPER)) / 255); // grey levels, as in a file
}

/** The box around all ink, or null if there is none.
 * @param {Ink} ink @param {number} width @param {number} height */
function bounds(ink, width, height) {
  const radius = penRadius(width, height);
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  /** @param {number} x @param {number} y @param {number} around */
  const include = (x, y, around) => {
    left = Math.min(left, x - around);
    right = Math.max(right, x + around);
    top = Math.min(top, y - around);
    bottom = Math.max(bottom, y + around);
  };
  for (const stroke of ink.strokes) for (const { x, y } of stroke) include(x, y, radius);
  if (ink.picture) {
    const { width: w, height: h } = ink.picture;
    const context = /** @type {CanvasRenderingContext2D} */ (ink.picture.getContext("2d"));
    const alpha = context.getImageData(0, 0, w, h).data;
    for (let i = 0; i < w * h; i++) {
      if (alpha[4 * i + 3] > 64) {
        const half = (0.5 * width) / w; // of one of the picture's own pixels
        include((((i % w) + 0.5) * width) / w, ((Math.floor(i / w) + 0.5) * height) / h, half);
      }
    }
  }
  return right > left ? { x: left, y: top, width: right - left, height: bottom - top } : null;
}

/** @param {Float64Array} pixels @param {number} width @param {number} height */
function centreOfMass(pixels, width, height) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((value, i) => {
    mass += value;
    x += value * ((i % width) + 0.5);
    y += value * (Math.floor(i / width) + 0.5);
  });
  return mass ? { x: x / mass, y: y / mass } : { x: width / 2, y: height / 2 };
}

/**
 * A dropped picture as ink: transparent paper, white ink, whichever of the two was darker.
 *
 * @param {ImageBitmap} bitmap
 * @param {number} width
 * @param {number} height
 */
export function pictureAsInk(bitmap, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width * SUPER;
  canvas.height = height * SUPER;
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.imageSmoothingQuality = "high";
  const scale = Math.min(canvas.width / bitmap.width, canvas.height / bitmap.height);
  const [w, h] = [bitmap.width * scale, bitmap.height * scale];
  const [left, top] = [(canvas.width - w) / 2, (canvas.height - h) / 2];
  context.drawImage(bitmap, left, top, w, h);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  const light = new Float64Array(canvas.width * canvas.height);
  for (let i = 0; i < light.length; i++) {
    const [r, g, b, a] = image.data.subarray(4 * i, 4 * i + 4);
    light[i] = a < 128 ? NaN : (0.299 * r + 0.587 * g + 0.114 * b) / 255;
  }
  const paper = edgeMean(light, canvas.width, canvas.height, left, top);
  for (let i = 0; i < light.length; i++) {
    const ink = Number.isNaN(light[i]) ? 0 : paper > 0.5 ? 1 - light[i] : light[i];
    image.data.set([255, 255, 255, Math.round(255 * ink)], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The mean light along the edge of the picture; 0 where it is transparent.
 * @param {Float64Array} light @param {number} width @param {number} height
 * @param {number} left @param {number} top */
function edgeMean(light, width, height, left, top) {
  let [sum, count] = [0, 0];
  const [x0, y0] = [Math.ceil(left), Math.ceil(top)];
  for (let y = y0; y < height - y0; y++) {
    for (let x = x0; x < width - x0; x++) {
      if (x > x0 && x < width - x0 - 1 && y > y0 && y < height - y0 - 1) continue;
      const value = light[y * width + x];
      sum += Number.isNaN(value) ? 0 : value;
      count += 1;
    }
  }
  return count ? sum / count : 0;
}
