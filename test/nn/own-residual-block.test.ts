import { add, type Device, Generator, mul, openDevice, type Tensor } from '@initlab/core';
import {
  BatchNorm2d,
  Conv2d,
  findInitializer,
  Module,
  type Parameter,
  type ResidualBlock,
  type ResidualBranch,
  Sequential,
} from '@initlab/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { differs } from '../support/close.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** A block with names of its own, as someone else writes one. */
class OwnBlock extends Module implements ResidualBlock {
  inner = new Conv2d(4, 4, { kernelSize: 3, padding: 1, device });
  outer = new Conv2d(4, 4, { kernelSize: 3, padding: 1, device });
  last = new BatchNorm2d(4, { device });
  factor: Parameter | undefined;

  get residualBranch(): ResidualBranch {
    const setScale = (scale: Parameter): void => {
      this.factor = scale;
    };
    return { kind: 'basic', lastConv: this.outer, lastNorm: this.last, shortcutConv: undefined, setScale };
  }

  override forward(x: Tensor): Tensor {
    const y = this.last.forward(this.outer.forward(this.inner.forward(x)));
    return add(x, this.factor ? mul(y, this.factor) : y);
  }
}

it('a residual block of one’s own is treated as the zoo’s, by what it says of its branch', async () => {
  const blocks = [new OwnBlock(), new OwnBlock()] as const;
  const model = new Sequential(...blocks);
  const [{ outer, last }] = blocks;
  const draw = async (name: string): Promise<number[]> => {
    await findInitializer(name).initialize(model, { arch: 'own', numClasses: 10, depth: 4, generator: new Generator(1) });
    return [...(await outer.weight.read())] as number[];
  };
  const plain = await draw('kaiming');
  // Two blocks: the last convolution of each times √½, rounded to f32.
  const wanted = plain.map((w) => w * Math.SQRT1_2);
  expect(differs('last conv', await draw('fixup-bn'), wanted, { absolute: 0, relative: 2e-7 })).toBe('');
  expect([...((await last.weight?.read()) ?? [])]).toEqual([0, 0, 0, 0]);
  await draw('rezero');
  for (const { factor } of blocks) expect([...((await factor?.read()) ?? [])]).toEqual([0]);
  model.dispose();
});
