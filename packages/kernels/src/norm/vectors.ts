import { type BindingSpec, read } from '../kernel.js';
import type { NormProblem } from './problem.js';

/** What the WGSL of a thread's one or four neighbouring channels depends on. */
export interface VectorKey {
  readonly dtype: 'f32' | 'f16';
  readonly vec: 1 | 4;
  /** Of a vector's channels: a group each, all in one group, or neither. */
  readonly groups: 'each' | 'one' | 'several';
}

export function vectorKey({ dtype, channels, groups }: NormProblem, vec: 1 | 4): VectorKey {
  const width = channels / groups;
  return { dtype, vec, groups: width === 1 ? 'each' : vec === 1 || width % 4 === 0 ? 'one' : 'several' };
}

/** WGSL of those channels, and of what belongs to them. */
export function vectorsOf({ dtype, vec, groups }: VectorKey) {
  const each = vec === 4 && groups === 'each';
  const one = vec === 1 || groups === 'one';
  const type: 'f32' | 'vec4f' = vec === 4 ? 'vec4f' : 'f32';
  const parts = vec === 4 ? ['.x', '.y', '.z', '.w'] : [''];
  const index = (k: number): string => {
    const channel = vec === 1 ? 'c' : k === 0 ? 'c * 4u' : `(c * 4u + ${k}u)`;
    return `segment * p.groups + ${groups === 'each' ? channel : `${channel} / p.width`}`;
  };
  const gather = (of: (index: string) => string): string =>
    vec === 1 ? of(index(0)) : one ? `vec4f(${of(index(0))})` : `vec4f(${[0, 1, 2, 3].map((k) => of(index(k))).join(', ')})`;
  return {
    vec,
    /** In which everything is computed. */
    type,
    /** Element of an activation's binding. */
    element: vec === 4 ? `vec4<${dtype}>` : dtype,
    /** Component suffixes. */
    parts,
    statisticBinding: (name: string) => read(name, each ? 'vec4<f32>' : 'f32'),
    parameterBinding: (name: string) => read(name, vec === 4 ? 'vec4<f32>' : 'f32'),
    /** The group's statistic for each channel; uses `segment`, `c` (in vectors), `p.groups` and `p.width`. */
    statistic: (name: string) => (each ? `${name}[segment * (p.groups / 4u) + c]` : gather((at) => `${name}[${at}]`)),
    /** As `statistic`, of one component of an array of pairs. */
    pair: (name: string, component: 'x' | 'y') => gather((at) => `${name}[${at}].${component}`),
    /** The activation's gradient mask applied: `g` where y lets it pass. */
    masked: (g: string, y: string, blocked: (y: string) => string) =>
      parts.map((part) => `${g}${part} = select(${g}${part}, 0.0, ${blocked(`${y}${part}`)});`).join(' '),
  };
}

/**
 * WGSL of `unit` and `perUnit` = spread / unit, for deviations as `fma(x, unit, -centre)` with `centre` = mean · unit. Where values are
 * beyond 10¹⁸ the unit is a power of two near `spread`, their inverse deviation: neither the difference of two values near f32's
 * maximum nor sums of products with it overflow, and no square of `spread` vanishes. Everywhere else it is 1, and no bit changes.
 */
export function deviationUnit(type: 'f32' | 'vec4f', { dtype }: Pick<NormProblem, 'dtype'>): string {
  // Halves are never that far.
  if (dtype === 'f16') return `const unit = ${type}(1.0); let perUnit = spread;`;
  const bits = type === 'f32' ? 'u32' : 'vec4u';
  return `let tiny = spread < ${type}(1e-18);
  let exponent = select(${bits}(127u), max(bitcast<${bits}>(spread) >> ${bits}(23u), ${bits}(1u)), tiny);
  let unit = bitcast<${type}>(exponent << ${bits}(23u));
  let perUnit = spread * bitcast<${type}>((${bits}(254u) - exponent) << ${bits}(23u));`;
}

/** What the code of a problem's kernels depends on. */
export interface NormKey extends VectorKey, Pick<NormProblem, 'affine' | 'activation' | 'residual' | 'addend'> {
  readonly fixed?: boolean;
  readonly running?: boolean;
}

/** A kernel of a normalisation; `Body` is what stands in the walk around it. */
export interface NormKernel<Body> {
  readonly family: string;
  readonly key: NormKey;
  readonly bindings: readonly BindingSpec[];
  readonly body: (key: NormKey) => Body;
}

export const normKey = (p: NormProblem, vec: 1 | 4): NormKey => ({
  ...vectorKey(p, vec),
  affine: p.affine,
  activation: p.activation,
  residual: p.residual,
  addend: p.addend,
});
