// Random numbers from a seed, so that the same page shows the same noise every time.

/** Uniform numbers in [0, 1): Marsaglia's xorshift (2003), 32 bits. @param {number} seed */
export function uniforms(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  const draw = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
  for (let i = 0; i < 16; i++) draw(); // small seeds begin alike
  return draw;
}

/**
 * Standard normal numbers, two at a time: Box and Muller (1958).
 *
 * @param {number} count
 * @param {() => number} uniform
 */
export function normals(count, uniform) {
  const found = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2.0 * Math.log(1.0 - uniform()));
    const angle = 2.0 * Math.PI * uniform();
    found[i] = radius * Math.cos(angle);
    if (i + 1 < count) found[i + 1] = radius * Math.sin(angle);
  }
  return found;
}

/**
 * `rows` vectors of `width` standard normal numbers.
 *
 * @param {number} rows
 * @param {number} width
 * @param {number} seed
 * @returns {Float64Array[]}
 */
export function noiseRows(rows, width, seed) {
  const uniform = uniforms(seed);
  return Array.from({ length: rows }, () => normals(width, uniform));
}
