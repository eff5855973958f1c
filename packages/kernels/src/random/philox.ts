/** Four 32-bit words, a block of Philox output or its counter. */
export type Words4 = readonly [number, number, number, number];

/** Upper 32 bits of the product of two 32-bit numbers; everything stays a 32-bit integer, which engines compute fastest. */
function mulHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = ((middle & 0xffff) + Math.imul(aLow, bHigh)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** Philox4x32-10 (Salmon et al., SC 2011): a counter and a key give four random words. */
export function philox4x32(counter: Words4, key: readonly [number, number]): [number, number, number, number] {
  let a = counter[0] | 0;
  let b = counter[1] | 0;
  let c = counter[2] | 0;
  let d = counter[3] | 0;
  let k0 = key[0] | 0;
  let k1 = key[1] | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, a);
    const low0 = Math.imul(0xd2511f53, a);
    const high1 = mulHigh(0xcd9e8d57, c);
    const low1 = Math.imul(0xcd9e8d57, c);
    a = high1 ^ b ^ k0;
    b = low1;
    c = high0 ^ d ^ k1;
    d = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
}

/** The same in WGSL: `philox(counter: vec4u, key: vec2u) -> vec4u`, and `unit(word) -> f32` in [0, 1) from 24 bits. */
export const philoxWgsl = `
fn mulHigh(a: u32, b: u32) -> u32 {
  let aHigh = a >> 16u; let aLow = a & 0xffffu; let bHigh = b >> 16u; let bLow = b & 0xffffu;
  let low = aLow * bLow;
  let middle = aHigh * bLow + (low >> 16u);
  let carry = (middle & 0xffffu) + aLow * bHigh;
  return aHigh * bHigh + (middle >> 16u) + (carry >> 16u);
}
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let high0 = mulHigh(0xd2511f53u, c.x);
    let low0 = 0xd2511f53u * c.x;
    let high1 = mulHigh(0xcd9e8d57u, c.z);
    let low1 = 0xcd9e8d57u * c.z;
    c = vec4u(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
fn unit(word: u32) -> f32 { return f32(word >> 8u) / 16777216.0; }
`;
