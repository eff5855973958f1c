import { expect, it } from 'vitest';
import { zooStep } from '../../packages/lab/src/bench/zoo-step.js';
import { openPlannedDevice } from '../../packages/lab/src/plan/index.js';

/**
 * Dawn's null backend holds kernels and their bindings to WebGPU's default limits, as a browser does on an adapter that offers no more:
 * 8 storage buffers, 256 invocations and 16 KiB a workgroup.
 */
it.each([
  { model: 'resnet8', norm: 'batch' },
  { model: 'wrn10-1', norm: 'batch' },
  { model: 'resnet8', norm: 'group' },
])('a step of $model with $norm norm keeps WebGPU’s default limits on a GPU', async ({ model, norm }) => {
  const device = await openPlannedDevice('browser');
  for (const batch of [8, 128]) {
    const { step, dispose } = zooStep(device, { model, norm, batch });
    await expect(step.prepare()).resolves.not.toThrow();
    dispose();
  }
  device.close();
});
