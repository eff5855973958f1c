import { expect, it } from 'vitest';
import { openRawGpu } from '../support/raw-gpu.js';

it('lavapipe has the subgroup size that this run of the kernel tests is for', async () => {
  const { target } = await openRawGpu();
  const width = Number(process.env.LP_NATIVE_VECTOR_WIDTH ?? 256);
  if (/llvmpipe/.test(target.adapter)) expect([target.subgroupMinSize, target.subgroupMaxSize]).toEqual([width / 32, width / 32]);
});
