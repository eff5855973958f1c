#!/usr/bin/env node
/**
 * Our training step and those of jax-js, TensorFlow.js (on the same Dawn) and PyTorch, in turn, so that what else the
 * machine does hits all alike. Medians over the rounds of the wall time per step with one wait at the end, and how many
 * times ours each is.
 *
 * usage: node bench/run-peers.mjs [--models simple-cnn,resnet20] [--batch N] [--precision f32|mixed] [--rounds 5] [--steps 5]
 *        [--libs jaxjs,tfjs,pytorch,pytorch-graph,pytorch-compile] [--python python3]
 * jax-js and TensorFlow.js train ResNets and simple-cnn, in f32. PyTorch's convolutions use TF32 in the libs that end in
 * `-tf32`. Needs `npm run bundle`, and once: (cd bench/peers && npm install && node build.mjs dist)
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'simple-cnn,resnet20' },
    batch: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '5' },
    libs: { type: 'string', default: 'jaxjs,tfjs' },
    precision: { type: 'string', default: 'f32' },
    python: { type: 'string', default: 'python3' },
  },
});
const precision = values.precision;
const root = fileURLToPath(new URL('..', import.meta.url));
const ours = `${root}dist/initlab.mjs`;
const peers = `${root}bench/peers/dist`;
for (const [file, remedy] of [
  [ours, 'npm run bundle'],
  [peers, '(cd bench/peers && npm install && node build.mjs dist)'],
])
  if (!existsSync(file)) {
    console.error(`run-peers: ${file} is missing; make it with: ${remedy}`);
    process.exit(1);
  }

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
/** The JSON line a program prints last, or what it said instead. */
function run(args, program = process.execPath) {
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? '/tmp' },
  });
  const line = done.stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`${args.join(' ')} printed no result: ${done.stderr.trim().split('\n').at(-1)}`);
  }
}

const libs = ['initlab', ...values.libs.split(',').filter(Boolean)];
for (const model of values.models.split(',')) {
  const small = model === 'simple-cnn';
  const batch = values.batch ?? (small ? '64' : '8');
  const shape = small ? ['--model', 'small'] : ['--depth', model.replace('resnet', '')];
  const rows = new Map(libs.map((lib) => [lib, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const lib of libs) {
      if (lib === 'initlab') {
        const r = run([ours, 'bench', 'step', '--models', model, '--batch', batch, '--precision', precision, '--json']);
        rows.get(lib).push({ ms: r.wallMs, first: r.firstStepMs, peak: r.peakBytes / 1e6, adapter: r.adapter });
      } else if (lib.startsWith('pytorch')) {
        const how = ['graph', 'compile'].find((word) => lib.includes(word)) ?? 'eager';
        const as = lib.endsWith('-tf32') && precision === 'f32' ? 'tf32' : precision;
        const script = `${root}bench/peers/src/pytorch_bench.py`;
        const r = run([script, 'step', '--models', model, '--batch', batch, '--how', how, '--precision', as], values.python);
        rows.get(lib).push({ ms: r.wallMs, first: r.firstStepMs, peak: r.peakBytes / 1e6, adapter: `${r.adapter}, PyTorch ${r.torch}` });
      } else {
        const r = run([`${peers}/${lib}_train.mjs`, ...shape, '--batch', batch, '--steps', values.steps, '--warmup', '4', '--mode', 'end']);
        rows.get(lib).push({ ms: r.endsync_ms_per_step, first: r.first_step_ms, peak: r.gpu_mb_peak, adapter: r.adapter });
      }
    }
  const own = median(rows.get('initlab').map((r) => r.ms));
  for (const [lib, list] of rows) {
    const ms = median(list.map((r) => r.ms));
    console.log(
      JSON.stringify({
        model,
        batch: Number(batch),
        precision,
        lib,
        wallMs: ms,
        timesOurs: Number((ms / own).toFixed(2)),
        firstStepMs: median(list.map((r) => r.first)),
        peakMB: median(list.map((r) => r.peak)),
        rounds: list.length,
        adapter: list[0].adapter,
      }),
    );
  }
}
