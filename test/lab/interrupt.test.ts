import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { onInterrupt } from '../../packages/lab/src/commands/interrupt.js';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
afterEach(() => void vi.restoreAllMocks());

it('two signals within a second are one; a later one ends the process at once', () => {
  let now = 5000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
  const told: boolean[] = [];
  const listeners = process.listenerCount('SIGHUP');
  const { signal, release } = onInterrupt((again) => told.push(again));
  process.emit('SIGTERM');
  now += 900;
  process.emit('SIGTERM');
  process.emit('SIGINT');
  process.emit('SIGHUP');
  expect(signal.aborted).toBe(true);
  expect(told).toEqual([false]);
  expect(exit).not.toHaveBeenCalled();
  now += 200;
  process.emit('SIGINT');
  expect(told).toEqual([false, true]);
  expect(exit).toHaveBeenCalledWith(130);
  release();
  expect(process.listenerCount('SIGHUP')).toBe(listeners);
});

it.each([['SIGHUP'], ['SIGTERM', 'SIGTERM'], ['SIGINT', 'SIGTERM', 'SIGHUP']] as const)(
  '%s saves the run and ends it',
  async (...signals) => {
    const out = path.join(folder, signals.join('-'));
    let sent = false;
    const started = [
      'train',
      '--arch',
      'mlp3-32',
      '--dataset',
      'fashion-mnist-sample',
      '--limit',
      '64',
      '--batch',
      '32',
      '--epochs',
      '5000',
    ];
    const { status, stderr } = await initlab([...started, '--out', out], {
      onOutput: (text, kill) => {
        if (!sent && text.includes('TRAIN_METRICS')) for (const signal of signals) kill(signal);
        sent ||= text.includes('TRAIN_METRICS');
      },
    });
    expect(stderr).toContain(`Stopped early. Go on with: npx initlab train --resume ${out}\n`);
    expect(stderr).not.toContain('Stopping at once');
    expect(status).toBe(130);
  },
  300_000,
);
