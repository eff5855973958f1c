import type { Kernel, Plan, SubgroupMatrixConfig, Target } from '@initlab/kernels';

/*
 * Subgroup matrices in plain WGSL, for drivers without them: the text of a kernel stays as it is, only the types and
 * built-in functions of the extension are replaced. Like the hardware, an invocation holds some elements of a result
 * and what it needs of the operands: of an m × n result in a subgroup of S, column `lane % n` of every (S / n)-th row.
 * Loads copy at the time of the load, so a missing barrier shows as it would there. Products are exact, sums f32.
 */

/** What the H100's driver lists. */
export const nvidiaConfigs: readonly SubgroupMatrixConfig[] = [
  { m: 16, n: 16, k: 16 },
  { m: 16, n: 8, k: 16 },
  { m: 16, n: 8, k: 8 },
].flatMap((sides) => ['f16', 'f32'].map((resultComponentType) => ({ ...sides, componentType: 'f16', resultComponentType })));

/** A target like the H100's, with the limits and the way of passing scalars of the adapter at hand. */
export const matrixTarget = (target: Target, parts: Partial<Target> = {}): Target => ({
  ...target,
  software: false,
  f16: true,
  subgroups: true,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  subgroupMatrix: nvidiaConfigs,
  ...parts,
});

export const usesMatrices = ({ uses }: Kernel): boolean => uses.includes('chromium_experimental_subgroup_matrix');

/** The plan with its kernels emulated, where they use matrices. */
export const emulated = <P extends Plan>(plan: P, subgroupSize: number): P => ({
  ...plan,
  dispatches: plan.dispatches.map((d) => ({
    ...d,
    kernel: {
      ...d.kernel,
      name: `${d.kernel.name}-emulated`,
      source: () => {
        const source = d.kernel.source();
        return usesMatrices(d.kernel) ? emulate(source, subgroupSize) : source;
      },
    },
  })),
});

/** Replaces exactly one occurrence. */
function swap(text: string, from: RegExp, to: string): string {
  if (!from.test(text)) throw new Error(`the kernel has no ${from}`);
  return text.replace(from, to);
}

export function emulate(source: string, subgroupSize: number): string {
  const sides = /subgroup_matrix_left<f16, (\d+), (\d+)>/.exec(source);
  const columns = /subgroup_matrix_right<f16, (\d+), \d+>/.exec(source);
  if (!sides || !columns) throw new Error('the kernel names no matrix types');
  const [k, m, n] = [Number(sides[1]), Number(sides[2]), Number(columns[1])];
  const each = (m * n) / subgroupSize;
  const typed = source.includes('memory: array<f16');
  let text = swap(source, /enable subgroups;\n/, '');
  text = swap(text, /enable chromium_experimental_subgroup_matrix;\n/, '');
  text = swap(text, /alias Left = .*;/, `alias Left = array<f32, ${each * k}>;`);
  text = swap(text, /alias Right = .*;/, `alias Right = array<f32, ${k}>;`);
  text = swap(text, /alias Sum = .*;/, `alias Sum = array<f32, ${each}>;`);
  text = swap(text, /, @builtin\(subgroup_id\) subgroup: u32\) \{/, `) {\n  turns = nwg.z;\n  let subgroup = lane / ${subgroupSize}u;`);
  text = text.replace(/subgroupMatrixStore<row_major>\(&(?:memory|strips), (.*), (\w+), (\d+u)\);/g, 'storeSum(lane, $1, &$2, $3);');
  text = text.replace(/(\w+) = subgroupMatrixMultiplyAccumulate\((\w+), (\w+), \1\);/g, 'multiplyAccumulate(&$1, &$2, &$3);');
  text = text.replace(/let (\w+) = subgroupMatrixLoad<(Left|Right), (row|col)_major>\(&memory, /g, 'var $1: $2; load$2_$3(&$1, lane, ');
  if (/subgroup_?matrix/i.test(text)) throw new Error(`not emulated: ${/.*subgroup_?matrix.*/i.exec(text)?.[0]}`);
  const loadLeft = (order: 'row' | 'col'): string => `
fn loadLeft_${order}(l: ptr<function, Left>, lane: u32, offset: u32, stride: u32) {
  for (var i = 0u; i < ${each}u * turns; i++) { for (var k = 0u; k < ${k}u * turns; k++) {
    let row = rowOf(lane, i);
    (*l)[i * ${k}u + k] = half(offset, ${order === 'row' ? 'row, k' : 'k, row'}, stride);
  } }
}`;
  const loadRight = (order: 'row' | 'col'): string => `
fn loadRight_${order}(r: ptr<function, Right>, lane: u32, offset: u32, stride: u32) {
  for (var k = 0u; k < ${k}u * turns; k++) { (*r)[k] = half(offset, ${order === 'row' ? `k, lane % ${n}u` : `lane % ${n}u, k`}, stride); }
}`;
  return `${text}
// 1, which the compiler does not know: unrolled, these loops would keep it busy for a minute.
var<private> turns: u32;
fn rowOf(lane: u32, i: u32) -> u32 { return lane % ${subgroupSize}u / ${n}u + i * ${subgroupSize / n}u; }
// Half \`within\` of a line; offset and stride count elements of the memory.
fn half(offset: u32, line: u32, within: u32, stride: u32) -> f32 {
  ${
    typed
      ? 'return f32(memory[offset + line * stride + within]);'
      : `let pair = memory[offset + line * stride + within / 8u][within / 2u % 4u];
  return unpack2x16float(pair)[within % 2u];`
  }
}
${loadLeft('row')}${loadLeft('col')}${loadRight('row')}${loadRight('col')}
fn multiplyAccumulate(sum: ptr<function, Sum>, l: ptr<function, Left>, r: ptr<function, Right>) {
  for (var i = 0u; i < ${each}u * turns; i++) { for (var k = 0u; k < ${k}u * turns; k++) { (*sum)[i] += (*l)[i * ${k}u + k] * (*r)[k]; } }
}
fn storeSum(lane: u32, offset: u32, sum: ptr<function, Sum>, stride: u32) {
  for (var i = 0u; i < ${each}u * turns; i++) {
    let column = lane % ${n}u;
    ${
      typed
        ? 'strips[offset + rowOf(lane, i) * stride + column] = (*sum)[i];'
        : 'memory[offset + rowOf(lane, i) * stride + column / 4u][column % 4u] = bitcast<u32>((*sum)[i]);'
    }
  }
}`;
}
