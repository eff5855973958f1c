import { type Scalar, u32 } from '../kernel.js';

/** [height, width] in one scalar, 16 bits each (two's complement): 64 bytes of immediates are all there are. */
export const pair = ([h, w]: readonly [number, number]): Scalar => u32(((h & 0xffff) | ((w & 0xffff) << 16)) >>> 0);

/** Whether every number can be half of a pair, read as unsigned or as signed. */
export const fitsPair = (values: readonly number[]): boolean => values.every((v) => v >= -0x8000 && v <= 0x7fff);

/** Readers of the halves. Signed ones come as u32: coordinates are unsigned, a negative one is huge and fails `< size`. */
export const pairFunctions = `
fn low(v: u32) -> u32 { return v & 0xffffu; }
fn high(v: u32) -> u32 { return v >> 16u; }
fn lowSigned(v: u32) -> u32 { return bitcast<u32>(extractBits(bitcast<i32>(v), 0u, 16u)); }
fn highSigned(v: u32) -> u32 { return bitcast<u32>(extractBits(bitcast<i32>(v), 16u, 16u)); }`;
