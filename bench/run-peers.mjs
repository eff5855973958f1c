#!/usr/bin/env node
/**
 * Ours beside jax-js, TensorFlow.js (on the same Dawn) and PyTorch, in turn, so that what else the machine does hits all
 * alike. `step`: training steps, medians over the rounds of the wall time with one wait at the end. `conv2d`, `norm`: single
 * ops, and geometric means over the rows that both have. A table on a terminal, else a line of JSON per row.
 *
 * usage: node bench/run-peers.mjs [step] [--models simple-cnn,resnet20] [--rounds 5] [--steps 5]
 *        node bench/run-peers.mjs conv2d|norm
 *   --batch N               images (default: step: 64 for simple-cnn, else 8; conv2d, norm: 8)
 *   --libs LIST             of jaxjs, tfjs, pytorch, pytorch-graph, pytorch-compile (default: jaxjs,tfjs)
 *   --precision f32|mixed   in the libs that end in `-tf32`, PyTorch's products use TF32 in place of f32
 *   --cold                  without shader caches, for all: what the very first step takes
 *   --record                also append the rows to bench/results/DATE-ADAPTER-peers.jsonl
 *   --json                  lines of JSON on a terminal too
 *   --timeout SECONDS       give a library up after this long (default 900)
 *   --python PROGRAM        the Python that has PyTorch (default: python3)
 *
 * A row that a library cannot do says why and stops nothing. Memory is the peak of live createBuffer bytes. Needs
 * `npm run bundle`, and for jax-js and TensorFlow.js once: (cd bench/peers && npm install && node build.mjs dist)
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { adapterSlug, median, missingPart, provenance, runKernels, runStep } from './peer-runs.mjs';
import { renderHead, renderRow } from './peer-table.mjs';

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        models: { type: 'string', default: 'simple-cnn,resnet20' },
        batch: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        steps: { type: 'string', default: '5' },
        libs: { type: 'string', default: 'jaxjs,tfjs' },
        precision: { type: 'string', default: 'f32' },
        cold: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        json: { type: 'boolean', default: !process.stdout.isTTY },
        timeout: { type: 'string', default: '900' },
        python: { type: 'string', default: 'python3' },
      },
    });
  } catch (error) {
    console.error(`run-peers: ${error.message}\nThe head of bench/run-peers.mjs lists the options.`);
    process.exit(1);
  }
}
const { values, positionals } = commandLine();
const [what = 'step'] = positionals;
const { precision, steps, python, cold } = values;
const timeout = Number(values.timeout);
const libs = ['initlab', ...values.libs.split(',').filter(Boolean)];
const problem = ['step', 'conv2d', 'norm'].includes(what) ? missingPart(libs) : `there is no ${what}; step, conv2d or norm`;
if (problem) {
  console.error(`run-peers: ${problem}`);
  process.exit(1);
}

const { adapter: machine, ...origin } = provenance();
const file = fileURLToPath(new URL(`results/${origin.date.slice(0, 10)}-${adapterSlug(machine)}-peers.jsonl`, import.meta.url));
const figures = (value) => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null);
const ratio = (value) => (Number.isFinite(value) ? Number(value.toFixed(2)) : null);

function print(row) {
  const line = JSON.stringify({ ...row, ...(cold ? { cold } : {}), ...origin });
  if (values.json) console.log(line);
  else console.log(renderRow(what, row));
  if (!values.record) return;
  mkdirSync(fileURLToPath(new URL('results', import.meta.url)), { recursive: true });
  appendFileSync(file, `${line}\n`);
}
/** What `body` returns, or a row's `error`. */
function attempt(body) {
  try {
    return body();
  } catch (error) {
    return { error: error instanceof Error ? error.message.slice(0, 300) : String(error) };
  }
}

function benchSteps(model) {
  const batch = values.batch ?? (model === 'simple-cnn' ? '64' : '8');
  const found = new Map(libs.map((lib) => [lib, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const lib of libs) {
      const list = found.get(lib);
      // What failed once fails again, and costs the others their time.
      if (list.some((r) => r.error)) continue;
      list.push(attempt(() => runStep(lib, { model, batch, precision, steps, python, cold, timeout })));
    }
  const middle = (lib, key) => median(found.get(lib).map((r) => r[key]));
  for (const [lib, list] of found) {
    const head = { model, batch: Number(batch), precision, lib };
    const { error } = list.find((r) => r.error) ?? {};
    if (error) {
      print({ ...head, error });
      continue;
    }
    const [ms, first, peak] = [middle(lib, 'ms'), middle(lib, 'first'), middle(lib, 'peak')];
    print({
      ...head,
      // An adapter without f16 computes mixed steps in f32.
      precision: list[0].precision ?? precision,
      wallMs: figures(ms),
      timesOurs: ratio(ms / middle('initlab', 'ms')),
      firstStepMs: figures(first),
      firstTimesOurs: ratio(first / middle('initlab', 'first')),
      peakMB: list[0].peak ? figures(peak / 1e6) : null,
      peakTimesOurs: list[0].peak ? ratio(peak / middle('initlab', 'peak')) : null,
      rounds: list.length,
      adapter: list[0].adapter,
      ...(list.some((r) => r.gpuErrors) ? { gpuErrors: list[0].gpuErrors } : {}),
    });
  }
  return found.get('initlab').every((r) => !r.error);
}

function benchKernels() {
  const batch = values.batch ?? '8';
  const found = libs.map((lib) => [lib, attempt(() => runKernels(what, lib, { batch, precision, python, cold, timeout }))]);
  const nameOf = (r) => JSON.stringify([r.shape, r.direction, r.norm, r.pass]);
  const own = new Map((found[0][1].error ? [] : found[0][1]).map((r) => [nameOf(r), r.ms]));
  for (const [lib, rows] of found) {
    const head = { batch: Number(batch), precision, lib };
    if (rows.error) {
      print({ ...head, error: rows.error });
      continue;
    }
    const logs = new Map();
    for (const { ms, adapter, ...row } of rows) {
      const times = ms / own.get(nameOf(row));
      print({ ...row, ...head, ms: figures(ms), timesOurs: ratio(times), adapter });
      const kind = row.direction ?? row.pass;
      if (Number.isFinite(times)) for (const key of [kind, 'all']) logs.set(key, [...(logs.get(key) ?? []), Math.log(times)]);
    }
    if (lib !== 'initlab')
      for (const [kind, list] of logs) {
        const geometricMean = ratio(Math.exp(list.reduce((a, b) => a + b, 0) / list.length));
        print({ ...head, of: kind, rows: list.length, geometricMean, oursSlowerOn: list.filter((x) => x < 0).length });
      }
  }
  return own.size > 0;
}

if (!values.json)
  console.log(`${machine}, ${origin.driver}; commit ${origin.commit}${cold ? '; no shader caches' : ''}\n${renderHead(what)}`);
let fine = true;
if (what === 'step') for (const model of values.models.split(',')) fine = benchSteps(model) && fine;
else fine = benchKernels();
if (values.record) console.error(`run-peers: appended to ${file}`);
// Without our own row there is nothing to compare with.
process.exitCode = fine ? 0 : 1;
