import type { ReduceKind } from './kind.js';

/** WGSL of a reduction: the value it begins with, two values joined, and the lanes of a vector joined. */
export function combine(kind: ReduceKind, lanes: 1 | 4) {
  const name = `${kind}Nan`;
  const parts = lanes === 4 ? ['.x', '.y', '.z', '.w'] : [''];
  // Infinity has no literal: its bits are made from the invocation's index `i`, which is known late.
  const none = kind === 'sum' ? '0.0' : `bitcast<f32>(${kind === 'max' ? '0xff800000u' : '0x7f800000u'} | (i & 0u))`;
  return {
    start: lanes === 4 ? `vec4f(${none})` : none,
    /** A statement that takes `value` into `acc`. */
    take: (acc: string, value: string): string =>
      kind === 'sum' ? `${acc} += ${value};` : parts.map((part) => `${acc}${part} = ${name}(${acc}${part}, ${value}${part});`).join(' '),
    /** One number of a vector's four. */
    lanes: (acc: string): string =>
      kind === 'sum'
        ? `((${acc}.x + ${acc}.y) + (${acc}.z + ${acc}.w))`
        : `${name}(${name}(${acc}.x, ${acc}.y), ${name}(${acc}.z, ${acc}.w))`,
  };
}
