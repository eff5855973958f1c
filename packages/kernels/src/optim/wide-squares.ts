import { halving } from '../halving.wgsl.js';

/** What squares are summed of, too, in case those of the numbers themselves are no f32: 2⁻⁸⁰ and 2⁸⁰ of them. */
export const [down, up] = ['0x1p-80f', '0x1p80f'] as const;

/** Of a workgroup of `threads`: all invocations' `sum`, a vec4, in the first place of `shared_`. */
export const treeSum = (threads: number): string => `
  shared_[lane] = sum;
  ${halving({ half: `${threads / 2}u`, what: 'sum', join: 'shared_[lane] += shared_[lane + step];' })}
  // The sum of all is complete before anyone reads it.
  workgroupBarrier();`;

/** The root of `squares`, as the variable `name`: from those of the numbers `scaledDown` or `scaledUp` where that is no f32. */
export const wideRoot = (
  name: string,
  { squares, scaledDown, scaledUp }: Readonly<Record<'squares' | 'scaledDown' | 'scaledUp', string>>,
): string =>
  `var ${name} = sqrt(${squares});
    if (${squares} < 1e-30) { ${name} = sqrt(${scaledUp}) * ${down}; }
    if (bitcast<u32>(${squares}) == 0x7f800000u) { ${name} = sqrt(${scaledDown}) * ${up}; }`;
