import { type Device, Generator, openDevice } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curveName, type NormRatios, normRatioCurves, normRatios } from '../../packages/lab/src/experiments/norm-ratios.js';
import { checkNormRatios, loadNormRatioReference } from '../../packages/lab/src/experiments/norm-ratios-reference.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

// The wide curves take minutes here; `initlab figure norm-ratios` runs them all.
const quick = normRatioCurves.filter(({ net, width }) => net === 'mlp' && width === 200);

describe('norm ratios', () => {
  it.each(quick.map((curve) => [curveName(curve), curve] as const))(
    '%s agrees with the reference',
    async (name, curve) => {
      const reference = await loadNormRatioReference();
      const networks: NormRatios[] = [];
      for (let n = 0; n < 3; n++) networks.push(await normRatios(curve, { device, generator: new Generator(0, { stream: n }) }));
      expect(checkNormRatios(name, { networks, reference })).toMatchObject({ passed: true });
      // The check can fail: the same curve with every norm times e.
      const scaled = networks.map(({ forward, backward }) => ({ forward: forward.map((v) => v + 1), backward }));
      expect(checkNormRatios(name, { networks: scaled, reference })).toMatchObject({ passed: false });
    },
    300_000,
  );
});
