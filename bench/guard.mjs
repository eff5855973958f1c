#!/usr/bin/env node
/**
 * Guards speed in CI: our training steps against a step of jax-js in one run, where both meet the same machine and the same other
 * work. Fails when we lost more than 30 % of the lead that bench/guard.json holds (times ours, measured on lavapipe). The lead
 * depends on how many cores a peer's waiting thread shares with the driver: on another number of cores it must only be one.
 * jax-js trains simple-cnn alone, the measure of the machine for all our models: its ResNet compiles for minutes.
 *
 * usage: node bench/guard.mjs [--write]   (--write stores the ratios found as the new ones)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const baseline = JSON.parse(readFileSync(here('guard.json'), 'utf8'));
const run = (command, args, options = {}) => {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (done.status !== 0) {
    console.error(`guard: ${command} ${args.join(' ')} failed:\n${done.stdout.slice(-2000)}${done.stderr.slice(-2000)}`);
    process.exit(1);
  }
  return done.stdout;
};

run('npm', ['run', '--silent', 'bundle'], { cwd: here('..') });
if (!existsSync(here('peers/dist/jaxjs_train.mjs'))) {
  run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: here('peers') });
  run('node', ['build.mjs', 'dist'], { cwd: here('peers') });
}
const yardstick = 'simple-cnn';
const models = Object.keys(baseline.timesOurs);
const cores = availableParallelism();
const least = (model) => (cores === baseline.cores ? 0.7 * baseline.timesOurs[model] : 1);
/** Each model's ratio after some rounds of the two libraries in turn. */
function measure(rounds) {
  const rowsOf = (names, libs) =>
    run('node', [here('run-peers.mjs'), '--models', names.join(), '--libs', libs, '--rounds', rounds, '--steps', '2'])
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const rows = [
    ...rowsOf([yardstick], 'jaxjs'),
    ...rowsOf(
      models.filter((model) => model !== yardstick),
      '',
    ),
  ];
  const msOf = (name, lib) => rows.find((r) => r.model === name && r.lib === lib).wallMs;
  const found = Object.fromEntries(models.map((model) => [model, Number((msOf(yardstick, 'jaxjs') / msOf(model, 'initlab')).toFixed(2))]));
  return { found, adapter: rows.find((r) => r.lib === 'initlab').adapter };
}
const write = process.argv.includes('--write');
// One round does where it leaves no doubt; three have a median.
let measured = write ? measure('3') : measure('1');
if (!write && models.some((model) => !(measured.found[model] >= 1.15 * least(model)))) measured = measure('3');
let lost = false;
for (const model of models) {
  const found = measured.found[model];
  const bad = !(found >= least(model));
  lost ||= bad;
  console.log(
    `guard: ${model}: jax-js’s ${yardstick} takes ${found} times as long (${baseline.timesOurs[model]} stored for ${baseline.cores} cores, here ${cores}: at least ${least(model).toFixed(2)})${bad ? ': TOO SLOW' : ''}`,
  );
  baseline.timesOurs[model] = found;
}
if (write) {
  baseline.date = new Date().toISOString().slice(0, 10);
  baseline.cores = cores;
  baseline.adapter = measured.adapter;
  writeFileSync(here('guard.json'), `${JSON.stringify(baseline, null, 2)}\n`);
} else process.exitCode = lost ? 1 : 0;
