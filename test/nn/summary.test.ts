import { type Device, openDevice } from '@initlab/core';
import { createModel } from '@initlab/models';
import { renderSummary, summary } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

describe('summary', () => {
  it('simple-cnn: layers in order, counted by hand', () => {
    const model = createModel('simple-cnn', { device });
    const { rows, parameters, multiplyAdds } = summary(model, [2, 3, 32, 32]);
    expect(rows.map((r) => [r.name, r.type])).toEqual([
      ['network.0', 'Conv2d'],
      ['network.1', 'ReLU'],
      ['network.2', 'MaxPool2d'],
      ['network.3', 'Conv2d'],
      ['network.4', 'ReLU'],
      ['network.5', 'MaxPool2d'],
      ['network.6', 'Flatten'],
      ['network.7', 'Linear'],
      ['network.8', 'ReLU'],
      ['network.9', 'Linear'],
    ]);
    expect(rows[3]).toMatchObject({ outputShape: [2, 32, 16, 16], parameters: 32 * 16 * 9 + 32, multiplyAdds: 2 * 32 * 256 * 16 * 9 });
    expect(parameters).toBe(16 * 27 + 16 + 32 * 144 + 32 + 2048 * 512 + 512 + 5120 + 10);
    expect(multiplyAdds).toBe(2 * (16 * 1024 * 27 + 32 * 256 * 144 + 2048 * 512 + 5120));
    expect(model.training).toBe(true);
  });

  it('ResNet-20: 0.27 M parameters and 41 M multiply-adds an image, as the paper has it', () => {
    const model = createModel('resnet20', { device });
    const found = summary(model, [1, 3, 32, 32]);
    expect(found.parameters / 1e6).toBeCloseTo(0.27, 2);
    expect(found.multiplyAdds / 1e6).toBeCloseTo(41, 0);
    expect(renderSummary(found)).toMatch(/layer3\.2\.conv2 +Conv2d +\[1, 64, 8, 8\] +36,864 +2,359,296/);
  });

  it('parameters of a module’s own count once', () => {
    const model = createModel('fixup-resnet8', { device });
    const found = summary(model, [1, 3, 32, 32]);
    expect(found.rows.reduce((sum, r) => sum + r.parameters, 0)).toBe(found.parameters);
  });
});
