import { Writable } from 'node:stream';
import { createProgress, RateMeter, showDuration } from '@initlab/lab';
import { expect, it } from 'vitest';

/** A stream that keeps what is written, terminal or not. */
function screen(isTTY: boolean): { stream: Writable & { isTTY: boolean; columns: number }; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 100 }), text: () => text };
}

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
  const { stream, text } = screen(false);
  let now = 0;
  const progress = createProgress({ totalSteps: 200, stream, clock: () => now });
  for (const name of ['zero', 'kaiming']) {
    progress.begin({ name, epochs: 2, stepsPerEpoch: 50 });
    for (let i = 0; i < 100; i++) {
      now += 150;
      progress.step({ epoch: Math.floor(i / 50) + 1, step: (i % 50) + 1, images: 64, ...(i % 10 === 0 ? { loss: 2 - i / 100 } : {}) });
    }
    progress.log(`${name} done`);
  }
  progress.stop();
  progress.stop();
  const lines = text().trimEnd().split('\n');
  // 30 s in all: the first step of each training and one line ten seconds later.
  expect(lines).toHaveLength(6);
  // The first step is mostly compilation, so it tells no pace.
  expect(lines[0]).toBe('zero  epoch 1/2  step  1/50  loss 2.0000');
  expect(lines[1]).toMatch(/^zero {2}epoch 2\/2 {2}step 18\/50 {2}loss 1\.4000 {2}427 images\/s {2}20 s left$/);
  expect(lines[2]).toBe('zero done');
  expect(text()).not.toContain('\u001b');
});

it('redraws two lines on a terminal, at most ten times a second, and restores the cursor', () => {
  const { stream, text } = screen(true);
  let now = 0;
  const progress = createProgress({ totalSteps: 1000, stream, clock: () => now });
  progress.log('before');
  expect(text()).toBe('before\n');
  progress.begin({ name: 'xavier, seed 0', epochs: 4, stepsPerEpoch: 250, doneSteps: 500 });
  for (let i = 0; i < 250; i++) {
    now += 1;
    progress.step({ epoch: 3, step: i + 1, images: 64, loss: 123.456 });
  }
  progress.log('epoch 3: accuracy 91.30 %');
  expect(text()).toContain('xavier, seed 0  epoch 3/4  step 250/250  loss 123.46  64,000 images/s');
  expect(text()).toContain('all  75 %  0 s left');
  expect(text()).toContain('epoch 3: accuracy 91.30 %\n');
  expect(text().split('xavier').length).toBeLessThan(8);
  expect(text()).toContain('\u001b[?25l');
  progress.stop();
  expect(text()).toContain('\u001b[?25h');
  progress.stop();
});
