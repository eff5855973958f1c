import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Device } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  dumpKernels,
  fileNamer,
  leastTime,
  openPlannedDevice,
  planStep,
  type Roofline,
  rooflines,
} from '../../packages/lab/src/plan/index.js';
import { initlab } from '../support/cli.js';

let device: Device;
let folder = '';
beforeAll(async () => {
  device = await openPlannedDevice('h100');
  folder = mkdtempSync(path.join(tmpdir(), 'plan-'));
});
afterAll(() => {
  device.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a planned step', () => {
  const roof: Roofline = { dispatchUs: 2, gigabytesPerSecond: 1000, gigaflops: 10_000, matrixGigaflops: 100_000 };

  it('a dispatch takes at least what the slowest of its parts does', () => {
    expect(leastTime({ bytes: 1e6, flops: 1e6 }, roof, false)).toEqual({ bound: 'dispatch', ms: 0.002 });
    expect(leastTime({ bytes: 1e9, flops: 1e9 }, roof, false)).toEqual({ bound: 'bytes', ms: 1 });
    expect(leastTime({ bytes: 1e6, flops: 1e12 }, roof, false)).toEqual({ bound: 'flops', ms: 100 });
    expect(leastTime({ bytes: 1e6, flops: 1e12 }, roof, true)).toEqual({ bound: 'flops', ms: 10 });
  });

  it('adds up, without a GPU, the same whatever was planned before; mixed moves less', () => {
    const options = { model: 'resnet8', batch: 128, roofline: rooflines.h100 as Roofline };
    const f32 = planStep(device, { ...options, precision: 'f32' });
    const mixed = planStep(device, { ...options, precision: 'mixed' });
    // Convolutions and the classifier of ResNet-8, three products each, but for the first one's input gradient.
    const macs =
      3 * 16 * 9 * 1024 +
      2 * 16 * 16 * 9 * 1024 +
      (16 * 32 + 32 * 32) * 9 * 256 +
      16 * 32 * 256 +
      (32 * 64 + 64 * 64) * 9 * 64 +
      32 * 64 * 64 +
      640;
    expect(f32.flops).toBe(2 * 128 * (3 * macs - 3 * 16 * 9 * 1024));
    expect(mixed).toMatchObject({ precision: 'mixed', planned: true, flops: f32.flops });
    expect(mixed.bytesMoved).toBeLessThan(0.6 * f32.bytesMoved);
    expect(mixed.peakBytes).toBeLessThan(f32.peakBytes);
    expect(mixed.leastMs ?? 0).toBeLessThan(f32.leastMs ?? 0);
    expect(Object.values(f32.bounds ?? {}).reduce((sum, b) => sum + b.dispatches, 0)).toBe(f32.dispatches);
    expect(planStep(device, { ...options, precision: 'f32' })).toEqual(f32);
  });

  it('on the command line, labelled as planned', async () => {
    const { stdout, status } = await initlab(['bench', 'step', '--plan', '--for', 'h100', '--models', 'resnet8']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/H100, planned without one: nothing was measured/);
    expect(stdout).toMatch(/resnet8 +f32 +128 +\d+/);
    const refused = await initlab(['bench', 'step', '--for', 'h100']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('--plan');
  });
});

describe('dumped kernels', () => {
  it('a file each, as the GPU would run them, and an index that counts every dispatch', async () => {
    const out = path.join(folder, 'mixed');
    const { steps } = await dumpKernels(device, [{ model: 'resnet8', batch: 128, precision: 'mixed' }], out);
    const [step] = steps;
    expect(JSON.parse(readFileSync(path.join(out, 'index.json'), 'utf8')).steps).toEqual(steps);
    expect(step?.kernels.reduce((sum, k) => sum + k.count, 0)).toBe(step?.dispatches);
    const files = readdirSync(out).filter((name) => name.endsWith('.wgsl'));
    expect(new Set(step?.kernels.map((k) => k.file))).toEqual(new Set(files));
    const index = readFileSync(path.join(out, 'index.md'), 'utf8');
    for (const { file, kernel, count } of step?.kernels ?? []) {
      const text = readFileSync(path.join(out, file), 'utf8');
      expect(text.startsWith(`// ${kernel}\n`)).toBe(true);
      expect(text).toContain('fn main');
      expect(index).toContain(`](${file}) | ${count} |`);
    }
    const products = step?.kernels.filter((k) => k.op === 'conv2d' && k.kernel.includes('matrix')) ?? [];
    expect(products.length).toBeGreaterThan(0);
    for (const { file } of products)
      expect(readFileSync(path.join(out, file), 'utf8')).toContain('enable chromium_experimental_subgroup_matrix;');
  });

  it('of several large models in turn, each of which has the memory to itself', async () => {
    const warn = vi.spyOn(console, 'warn');
    const own = await openPlannedDevice('h100');
    const models = ['resnet20', 'vgg11-bn', 'mobilenetv2', 'resnet56'].map((model) => ({ model, batch: 128 }));
    const { steps } = await dumpKernels(own, models, path.join(folder, 'several'));
    expect(steps.map(({ model }) => model)).toEqual(models.map(({ model }) => model));
    expect(own.memory).toMatchObject({ liveBytes: 0, pooledBytes: 0 });
    own.close();
    expect(warn).not.toHaveBeenCalled();
  });

  it('with a variant that is asked for, where a problem has it', async () => {
    const own = await openPlannedDevice('h100', 'conv2d-forward-gemm-32x32x16-4x4-v4');
    const { steps } = await dumpKernels(own, [{ model: 'resnet20', batch: 128 }], path.join(folder, 'variant'));
    own.close();
    const tiles = steps[0]?.kernels.flatMap(({ kernel }) => (kernel.startsWith('conv2d-forward-gemm') ? [kernel.split(' ')[1]] : []));
    // The first layer's 3 channels come in no vectors: its kernels have other names.
    expect([...new Set(tiles)].sort()).toEqual(['tile=256x16x16-8x4', 'tile=32x32x16-4x4']);
  });

  it('on the command line, for this adapter', async () => {
    const out = path.join(folder, 'new', 'here');
    const { stdout, status } = await initlab(['kernels', 'dump', out, '--models', 'simple-cnn', '--batch', '2', '--json']);
    expect(status).toBe(0);
    const [step] = JSON.parse(stdout).steps;
    expect(step).toMatchObject({ model: 'simple-cnn', batch: 2, precision: 'f32' });
    for (const { file } of step.kernels) expect(existsSync(path.join(out, file))).toBe(true);
  });

  it('file names are readable, short enough, and one kernel’s each', () => {
    const name = fileNamer();
    expect(name('matmul-tiled tb-bias[m128,n10]')).toBe('matmul-tiled-tb-bias-m128-n10.wgsl');
    expect(name('a[b]')).toBe('a-b.wgsl');
    expect(name('A,b')).toMatch(/^A-b-[0-9a-f]{8}\.wgsl$/);
    expect(name('a[b]')).toBe('a-b.wgsl');
    expect(name('x'.repeat(300))).toMatch(/^x{96}-[0-9a-f]{8}\.wgsl$/);
  });
});
