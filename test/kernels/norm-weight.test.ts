import { planWeightNorm } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

function reference(rows: number, length: number, { v, g, dw }: Record<'v' | 'g' | 'dw', ArrayLike<number>>) {
  const w = new Float64Array(rows * length);
  const dv = new Float64Array(rows * length);
  const dg = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const places = Array.from({ length }, (_, k) => row * length + k);
    const norm = Math.sqrt(places.reduce((a, i) => a + (v[i] as number) ** 2, 0));
    const along = places.reduce((a, i) => a + (dw[i] as number) * (v[i] as number), 0) / norm;
    dg[row] = along;
    for (const i of places) {
      w[i] = ((g[row] as number) * (v[i] as number)) / norm;
      dv[i] = ((g[row] as number) / norm) * ((dw[i] as number) - ((v[i] as number) * along) / norm);
    }
  }
  return { w, dv, dg };
}

describe('weight norm and its gradients against float64', () => {
  for (const [rows, length] of [
    [1, 1],
    [16, 27],
    [10, 513],
    [130, 5],
    [3, 4000],
  ] as const)
    it(`${rows} rows of ${length}`, async () => {
      const size = rows * length;
      const v = parityFill(size, { seed: 51 });
      const g = parityFill(rows, { seed: 52, scale: 0.5, shift: 1 });
      const dw = parityFill(size, { seed: 53 });
      const wanted = reference(rows, length, { v, g, dw });
      for (const software of [true, false]) {
        const target = { ...gpu.target, software, bake: !software };
        const forward = await gpu.run(planWeightNorm({ rows, length }, 'forward', target), { v, g }, { w: size * 4, norm: rows * 4 });
        expect(differs('w', new Float32Array(forward.w as ArrayBuffer), wanted.w)).toBe('');
        const norm = new Float32Array(forward.norm as ArrayBuffer);
        const plan = planWeightNorm({ rows, length }, 'backward', target);
        const backward = await gpu.run(plan, { dw, v, g, norm }, { dv: size * 4, dg: rows * 4 });
        expect(differs('dv', new Float32Array(backward.dv as ArrayBuffer), wanted.dv)).toBe('');
        expect(differs('dg', new Float32Array(backward.dg as ArrayBuffer), wanted.dg)).toBe('');
      }
    });
});
