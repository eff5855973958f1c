import { mathFunctions } from '../pointwise/math.wgsl.js';

/** Text of the kernel of `planAdjustImages`; formulas of torchvision.transforms.functional on tensors of uint8. */
export function adjustImagesWgsl(channels: 1 | 3): string {
  const colours = channels === 3;
  return `
${mathFunctions(['isNan'])}
var<workgroup> counts: array<atomic<u32>, ${256 * channels}>;
var<workgroup> level: array<f32, ${256 * channels}>;

// To a byte, as a cast does it.
fn cut(v: f32) -> f32 { return floor(clamp(v, 0.0, 255.0)); }
fn value(n: u32, row: u32, column: u32, c: u32) -> f32 { return x[((n * p.height + row) * p.width + column) * ${channels}u + c]; }
fn byte(v: f32) -> u32 { return u32(clamp(select(v, 0.0, isNan(v)), 0.0, 255.0)); }
fn gray(n: u32, row: u32, column: u32) -> f32 {
  return ${colours ? 'floor(0.2989 * value(n, row, column, 0u) + 0.587 * value(n, row, column, 1u) + 0.114 * value(n, row, column, 2u))' : 'value(n, row, column, 0u)'};
}
${colours ? hueWgsl : ''}
// ratio of a and rest of b, which are 1 together.
fn blend(a: f32, b: f32, ratio: f32, rest: f32) -> f32 { return cut(ratio * a + rest * b); }
// Of the 3 × 3 around a pixel a 13th each, of itself five.
fn blurred(n: u32, row: u32, column: u32, c: u32) -> f32 {
  var sum = 4.0 * value(n, row, column, c);
  for (var dy = 0u; dy < 3u; dy++) { for (var dx = 0u; dx < 3u; dx++) { sum += value(n, row + dy - 1u, column + dx - 1u, c); } }
  return round(sum / 13.0);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = wid.x + wid.y * nwg.x;
  if (n >= p.batch) { return; }
  let at = p.first + 8u * n;
  let code = u32(rows[at]);
  let a = vec3f(rows[at + 1u], rows[at + 2u], rows[at + 3u]);
  let b = vec3f(rows[at + 4u], rows[at + 5u], rows[at + 6u]);
  let pixels = p.height * p.width;
  let counted = code == 3u || code == 9u || code == 10u;
  for (var i = lane; i < p.levels * ${channels}u; i += 256u) { atomicStore(&counts[i], 0u); }
  workgroupBarrier();
  if (counted) {
    for (var i = lane; i < pixels; i += 256u) {
      let row = i / p.width;
      let column = i % p.width;
      if (code == 3u) { atomicAdd(&counts[byte(gray(n, row, column))], 1u); }
      else { for (var c = 0u; c < ${channels}u; c++) { atomicAdd(&counts[256u * c + byte(value(n, row, column, c))], 1u); } }
    }
  }
  workgroupBarrier();
  if (code == 3u && lane == 0u) {
    var sum = 0u;
    for (var v = 0u; v < p.levels; v++) { sum += v * atomicLoad(&counts[v]); }
    level[0] = f32(sum) / f32(pixels);
  }
  if (counted && code != 3u && lane < ${channels}u) {
    var least = 255u;
    var most = 0u;
    for (var v = 0u; v < p.levels; v++) { if (atomicLoad(&counts[256u * lane + v]) > 0u) { least = min(least, v); most = v; } }
    // Of equalize: how many pixels make a level; those of the brightest do not count.
    let share = (pixels - atomicLoad(&counts[256u * lane + most])) / 255u;
    var below = 0u;
    for (var v = 0u; v < p.levels; v++) {
      let k = 256u * lane + v;
      if (code == 9u) {
        level[k] = f32(v);
        if (most > least) { level[k] = cut((f32(v) - f32(least)) * (255.0 / f32(most - least))); }
      } else {
        level[k] = f32(v);
        if (share > 0u) { level[k] = f32(min((below + share / 2u) / share, 255u)); }
        if (share > 0u && v == 0u) { level[k] = 0.0; }
        below += atomicLoad(&counts[k]);
      }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < pixels; i += 256u) {
    let row = i / p.width;
    let column = i % p.width;
    let inner = row > 0u && column > 0u && row + 1u < p.height && column + 1u < p.width;
    let place = round(vec2f(a.x * f32(column) + a.y * f32(row) + a.z, b.x * f32(column) + b.y * f32(row) + b.z));
    let found = place.x >= 0.0 && place.y >= 0.0 && place.x < f32(p.width) && place.y < f32(p.height);
    ${colours ? 'var hued = vec3f(0.0); if (code == 5u) { hued = turned(vec3f(value(n, row, column, 0u), value(n, row, column, 1u), value(n, row, column, 2u)) / 255.0, a.x); }' : ''}
    for (var c = 0u; c < ${channels}u; c++) {
      let v = value(n, row, column, c);
      var made = v;
      switch (code) {
        case 1u: { made = 0.0; if (found) { made = value(n, u32(place.y), u32(place.x), c); } }
        case 2u: { made = cut(a.x * v); }
        case 3u: { made = blend(v, level[0], a.x, a.y); }
        ${colours ? 'case 4u: { made = blend(v, gray(n, row, column), a.x, a.y); }\n        case 5u: { made = hued[c]; }' : ''}
        case 6u: { if (p.width > 2u && p.height > 2u) { var soft = v; if (inner) { soft = blurred(n, row, column, c); } made = blend(v, soft, a.x, a.y); } }
        case 7u: { made = f32(byte(v) & u32(a.x)); }
        case 8u: { if (v >= a.x) { made = 255.0 - v; } }
        case 9u, 10u: { made = level[256u * c + byte(v)]; }
        case 11u: { if (f32(row) >= a.x && f32(row) < a.y && f32(column) >= a.z && f32(column) < b.x) { made = 0.0; } }
        default: {}
      }
      y[((n * p.height + row) * p.width + column) * ${channels}u + c] = select(made, v, isNan(v));
    }
  }
}`;
}

// To hue, saturation and value, and back with the hue moved by so many turns.
const hueWgsl = `fn turned(colour: vec3f, turn: f32) -> vec3f {
  let most = max(colour.r, max(colour.g, colour.b));
  let range = most - min(colour.r, min(colour.g, colour.b));
  let even = range == 0.0;
  let s = range / select(most, 1.0, even);
  let parts = (vec3f(most) - colour) / select(range, 1.0, even);
  var h = 4.0 + parts.g - parts.r;
  if (most == colour.g) { h = 2.0 + parts.r - parts.b; }
  if (most == colour.r) { h = parts.b - parts.g; }
  h = fract(fract(h / 6.0 + 1.0) + turn);
  let sector = floor(h * 6.0);
  let f = h * 6.0 - sector;
  let low = clamp(most * (1.0 - s), 0.0, 1.0);
  let falling = clamp(most * (1.0 - s * f), 0.0, 1.0);
  let rising = clamp(most * (1.0 - s * (1.0 - f)), 0.0, 1.0);
  var made = vec3f(most, falling, low);
  switch (u32(sector) % 6u) {
    case 0u: { made = vec3f(most, rising, low); }
    case 1u: { made = vec3f(falling, most, low); }
    case 2u: { made = vec3f(low, most, rising); }
    case 3u: { made = vec3f(low, falling, most); }
    case 4u: { made = vec3f(rising, low, most); }
    default: { made = vec3f(most, low, falling); }
  }
  // As a float image becomes one of bytes.
  return floor(made * 255.999);
}`;
