import { entry, mainOf } from '../../kernel.js';
import { range } from '../../range.js';
import type { Epilogue } from '../shared/epilogue.js';
import { epilogueCode } from '../shared/epilogue.wgsl.js';

/** Neighbours along the width that one invocation computes: they share the filter's loads. */
export const strip = 4;
/** Invocations of a workgroup, where each computes one strip, and where a workgroup takes a part of all rows. */
export const flatThreads = 64;
export const partThreads = 256;

/** What the text of a depthwise kernel depends on; `planDepthwise` says what the kernel does. */
export interface DepthwiseCode {
  readonly forward: boolean;
  /** Four channels at a time. */
  readonly vector: boolean;
  /** Type of the bias, where there is one. */
  readonly bias: 'f32' | 'f16' | false;
  readonly dtype: 'f32' | 'f16';
}

const pixels = range(strip);
const realOf = ({ vector }: DepthwiseCode): string => (vector ? 'vec4f' : 'f32');

/** Source position of a result coordinate under one tap; huge (and so out of range) when there is none. */
const sourceOf = (forward: boolean): string => `
fn sourceOf(at: u32, tap: u32, stride: u32, pad: u32, size: u32) -> u32 {
  ${forward ? 'return at * stride + tap - pad;' : 'let t = at + pad - tap; return select(0xffffffffu, t / stride, t < size * stride && t % stride == 0u);'}
}`;

/**
 * Declares `a0` … `a3`, the results of a strip: image `n`, line `y`, from column `x0`, channel (or quad of channels) `c`. What is outside
 * is loaded from the first place and dropped, since loads behind branches wait for one another.
 */
function stripCode(o: DepthwiseCode): string {
  const { forward, vector, bias } = o;
  const real = realOf(o);
  // A vector has one output channel per input channel; a scalar finds its partner through the multiplier.
  const sourceLanes = vector ? 'p.lanes' : forward ? 'p.lanes / p.multiplier' : 'p.lanes * p.multiplier';
  const sourceLane = vector ? 'c' : forward ? 'c / p.multiplier' : 'c * p.multiplier + m';
  const filterLanes = vector || forward ? 'p.lanes' : 'p.lanes * p.multiplier';
  const filterLane = vector || forward ? 'c' : sourceLane;
  return `${pixels.map((k) => `var a${k} = ${real}();`).join(' ')}
  for (var r = 0u; r < p.kernelHeight; r++) {
    let sy = sourceOf(y, r * p.dilationY, p.strideY, p.paddingY, p.sourceHeight);
    if (sy >= p.sourceHeight) { continue; }
    let line = (n * p.sourceHeight + sy) * p.sourceWidth;
    for (var s = 0u; s < p.kernelWidth; s++) {
      ${pixels.map((k) => `let s${k} = sourceOf(x0 + ${k}u, s * p.dilationX, p.strideX, p.paddingX, p.sourceWidth);`).join('\n      ')}
      ${!vector && !forward ? 'for (var m = 0u; m < p.multiplier; m++) {' : '{'}
        let w = ${real}(filters[(r * p.kernelWidth + s) * (${filterLanes}) + ${filterLane}]);
        ${pixels.map((k) => `let here${k} = s${k} < p.sourceWidth; let v${k} = ${real}(source[select(0u, (line + s${k}) * (${sourceLanes}) + ${sourceLane}, here${k})]);`).join('\n        ')}
        ${pixels.map((k) => `a${k} = select(a${k}, fma(v${k}, w, a${k}), here${k});`).join(' ')}
      }
    }
  }
  ${bias ? pixels.map((k) => `a${k} += ${real}(bias[c]);`).join(' ') : ''}
  let to = ((n * p.resultHeight + y) * p.resultWidth + x0) * p.lanes + c;`;
}

/** WGSL of a depthwise product; every invocation computes one strip. */
export function depthwiseCode(o: DepthwiseCode): string {
  const stored = o.vector ? `vec4<${o.dtype}>` : o.dtype;
  return `${sourceOf(o.forward)}

${entry('i', 'p.count')}
  let strips = (p.resultWidth + ${strip - 1}u) / ${strip}u;
  let c = i % p.lanes;
  let x0 = i / p.lanes % strips * ${strip}u;
  let y = i / (p.lanes * strips) % p.resultHeight;
  let n = i / (p.lanes * strips * p.resultHeight);
  ${stripCode(o)}
  ${pixels.map((k) => `if (x0 + ${k}u < p.resultWidth) { result[to + ${k}u * p.lanes] = ${stored}(a${k}); }`).join('\n  ')}
}`;
}

/**
 * WGSL of a depthwise product in vectors that goes on with an epilogue: a workgroup takes `threadsN` neighbouring quads of
 * channels and a part of all strips, so that it leaves one share of the sums. Strips are whole.
 */
export function depthwisePartCode(o: DepthwiseCode & { epilogue: Epilogue; stored: 'f32' | 'f16'; threadsN: number }): string {
  const { threadsN } = o;
  const threadsM = partThreads / threadsN;
  const after = epilogueCode(o.epilogue, { threadsM, threadsN, quads: 1, dtype: o.stored });
  return `${sourceOf(o.forward)}
${after.declarations}

${mainOf(partThreads)}
  let block = wid.x + wid.y * nwg.x;
  let part = block / (p.lanes / ${threadsN}u);
  if (part >= p.parts) { return; }
  let ty = lane / ${threadsN}u;
  let tx = lane % ${threadsN}u;
  let c = block % (p.lanes / ${threadsN}u) * ${threadsN}u + tx;
  let strips = p.resultWidth / ${strip}u;
  ${after.start}
  for (var i = part * p.each + ty; i < min((part + 1u) * p.each, p.count); i += ${threadsM}u) {
  let x0 = i % strips * ${strip}u;
  let y = i / strips % p.resultHeight;
  let n = i / (strips * p.resultHeight);
  ${stripCode(o)}
  ${pixels.map((k) => `{ let at = to + ${k}u * p.lanes; ${after.store(`a${k}`, 0, 'c')} }`).join('\n  ')}
  }
  ${after.finish({ inside: () => 'true', channel: () => 'c', part: 'part', channels: 'p.lanes' })}
}`;
}
