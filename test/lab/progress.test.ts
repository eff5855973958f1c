import { createProgress, fitLine, RateMeter, showDuration } from '@initlab/lab';
import { describe, expect, it } from 'vitest';
import { screen } from '../support/screen.js';

it('measures the rate over the last seconds only', () => {
  const meter = new RateMeter(10_000);
  expect(meter.perSecond()).toBeUndefined();
  meter.add(0, 0);
  expect(meter.perSecond()).toBeUndefined();
  // A slow first step, then a steady hundred per second.
  meter.add(1, 20_000);
  for (let t = 20_010; t <= 40_000; t += 10) meter.add(1, t);
  expect(meter.perSecond()).toBeCloseTo(100, 0);
});

it('leaves out what is skipped', () => {
  const meter = new RateMeter();
  meter.add(0, 0);
  meter.skip(60_000);
  expect(meter.perSecond()).toBeUndefined();
  for (let t = 60_100; t <= 61_000; t += 100) meter.add(1, t);
  meter.skip(90_000);
  expect(meter.perSecond()).toBeCloseTo(10);
});

it('writes durations as people do', () => {
  expect([0.2, 59.4, 60, 3599, 3661, 90_000].map(showDuration)).toEqual(['0 s', '59 s', '1 m 00 s', '59 m 59 s', '1 h 01 m', '25 h 00 m']);
});

it('writes a plain line now and then when there is no terminal', () => {
  const { stream, text } = screen({ isTTY: false });
  let now = 0;
  const progress = createProgress({ totalSteps: 200, stream, clock: () => now });
  for (const [at, name] of ['zero', 'kaiming'].entries()) {
    progress.tally({ counts: [`${at} of 2 runs`], openSteps: 200 - at * 100 });
    using training = progress.begin({ name, epochs: 2, stepsPerEpoch: 50 });
    for (let i = 0; i < 100; i++) {
      now += 150;
      training.step({ epoch: Math.floor(i / 50) + 1, step: (i % 50) + 1, images: 64, ...(i % 10 === 0 ? { loss: 2 - i / 100 } : {}) });
    }
    progress.log(`${name} done`);
  }
  progress.stop();
  progress.stop();
  const lines = text().trimEnd().split('\n');
  // 30 s in all: the first step of each training and one line ten seconds later.
  expect(lines).toHaveLength(6);
  // The first step is mostly compilation, so it tells no pace.
  expect(lines[0]).toBe('zero  epoch 1/2  step  1/50  loss 2.0000  0 of 2 runs');
  expect(lines[1]).toMatch(/^zero {2}epoch 2\/2 {2}step 18\/50 {2}loss 1\.4000 {2}427 images\/s {2}0 of 2 runs {2}20 s left$/);
  expect(lines[2]).toBe('zero done');
  expect(text()).not.toContain('\u001b');
});

it('is silent but for warnings when that is wished', () => {
  const { stream, text } = screen({ isTTY: true });
  const progress = createProgress({ totalSteps: 1, quiet: true, stream });
  progress.tally({ counts: ['0 of 1 runs'], openSteps: 1 });
  using training = progress.begin({ name: 'a', epochs: 1, stepsPerEpoch: 1 });
  training.step({ epoch: 1, step: 1, images: 1 });
  progress.log('done');
  progress.warn('half done');
  progress.stop();
  expect(text()).toBe('half done\n');
});

describe('on a terminal', () => {
  const epochLine =
    'TRAIN_METRICS: epoch=3 train_loss=1.5670 train_acc=41.80 test_loss=1.1724 test_acc=55.00 lr=0.025000 lr_used=0.050000 end';

  it('redraws at most ten times a second, and restores the cursor', () => {
    const { stream, text } = screen({ isTTY: true });
    let now = 0;
    const progress = createProgress({ totalSteps: 1000, stream, clock: () => now });
    progress.log('before');
    expect(text()).toBe('before\n');
    using training = progress.begin({ name: 'xavier', epochs: 4, stepsPerEpoch: 250, doneSteps: 500 });
    for (let i = 0; i < 250; i++) {
      now += 1;
      training.step({ epoch: 3, step: i + 1, images: 64, loss: 123.456 });
    }
    progress.log('epoch 3: accuracy 91.30 %');
    expect(text()).toContain('xavier  epoch 3/4  step 250/250  loss 123.46  64,000 images/s  0 s left');
    expect(text().split('xavier').length).toBeLessThan(8);
    expect(text()).toContain('\u001b[?25l');
    progress.stop();
    expect(text()).toContain('\u001b[?25h');
    progress.stop();
  });

  it.each([40, 80, 120])('of %i columns nothing is cut off of what is logged, and nothing moving is left behind', (columns) => {
    const { stream, lines } = screen({ isTTY: true, columns });
    let now = 0;
    const progress = createProgress({ totalSteps: 60, stream, clock: () => now });
    for (const name of ['a row of some length, resnet56, seed 1', 'another, seed 2']) {
      progress.tally({ counts: ['1 of 2 cells', '1 of 2 runs'], openSteps: 60 });
      using first = progress.begin({ name, epochs: 3, stepsPerEpoch: 10 });
      using second = progress.begin({ name: 'beside it', epochs: 3, stepsPerEpoch: 10 });
      for (let i = 0; i < 30; i++) {
        now += 120;
        for (const each of [first, second]) each.step({ epoch: Math.ceil((i + 1) / 10), step: (i % 10) + 1, images: 8, loss: 1 });
        for (const line of lines()) expect(line.length).toBeLessThanOrEqual(columns);
        if (i % 10 === 9) progress.log(epochLine);
      }
    }
    progress.stop();
    expect(lines().join('').split(epochLine)).toEqual(['', '', '', '', '', '', '']);
  });
});

describe('a line of limited length', () => {
  const parts = [
    { text: 'kaiming, resnet56, seed 1', worth: 4, shrinks: true },
    { text: 'epoch 12/200', worth: 5 },
    { text: 'step  42/391', worth: 1 },
    { text: 'loss 0.3120', worth: 2.5 },
    { text: '12,340 images/s', worth: 2 },
  ];
  it.each([
    [120, '████████████░░░░░░░░░░░░  kaiming, resnet56, seed 1  epoch 12/200  step  42/391  loss 0.3120  12,340 images/s'],
    [79, '████░░░░  kaiming, resnet56, seed 1  epoch 12/200  loss 0.3120  12,340 images/s'],
    [78, '████████████░░░░░░░░░░░░  kaiming, resnet56, seed 1  epoch 12/200  loss 0.3120'],
    [49, '████░░░░  kaiming, resnet56, seed 1  epoch 12/200'],
    [39, 'kaiming, resnet56, seed 1  epoch 12/200'],
    [33, 'kaiming, …6, seed 1  epoch 12/200'],
    [20, 'epoch 12/200'],
    [8, 'epoch 1…'],
  ])('of %i', (columns, line) => {
    const shown = fitLine(parts, { fraction: 0.5, columns });
    expect(shown.length).toBeLessThanOrEqual(columns);
    expect(shown).toBe(line);
  });
});
