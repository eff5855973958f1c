/** What bench/run-peers.mjs runs: our command, the peers' bundles and PyTorch's script, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const ours = `${root}dist/initlab.mjs`;
const bundles = `${root}bench/peers/dist`;
const counter = new URL('count-buffers.mjs', import.meta.url).href;
const pytorchScript = `${root}bench/peers/src/pytorch_bench.py`;

/** Nothing compiled before may be used: Mesa's and NVIDIA's shader caches, CUDA's, Inductor's. */
const coldEnvironment = {
  MESA_SHADER_CACHE_DISABLE: 'true',
  __GL_SHADER_DISK_CACHE: '0',
  CUDA_CACHE_DISABLE: '1',
  TORCHINDUCTOR_FORCE_DISABLE_CACHES: '1',
};

/** A message where something is missing that every row needs. */
export function missingPart(libs) {
  if (!existsSync(ours)) return `${ours} is missing; make it with: npm run bundle`;
  if (libs.some(isBundle) && !existsSync(bundles))
    return `${bundles} is missing; make it with: (cd bench/peers && npm install && node build.mjs dist)`;
  return undefined;
}

export const isPytorch = (lib) => lib.startsWith('pytorch');
const isBundle = (lib) => lib === 'jaxjs' || lib === 'tfjs';

/** Runs a program; returns the JSON lines it printed. Throws with what it said where it printed none, or an error. */
function run(program, args, { cold, timeout }) {
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: timeout * 1e3,
    env: { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? '/tmp', ...(cold ? coldEnvironment : {}) },
  });
  if (done.error?.code === 'ETIMEDOUT') throw new Error(`not done after ${timeout} s`);
  if (done.error) throw new Error(done.error.message);
  const rows = done.stdout.split('\n').flatMap((line) => {
    try {
      const row = JSON.parse(line);
      return typeof row === 'object' && row !== null ? [row] : [];
    } catch {
      return [];
    }
  });
  const error = rows.find((row) => row.error && row.shape === undefined)?.error;
  if (error) throw new Error(error);
  if (!rows.some((row) => row.livePeakBytes === undefined))
    throw new Error(done.stderr.trim().split('\n').at(-1) || `ended with status ${done.status} and printed no result`);
  return rows;
}

/**
 * A training step by one library: milliseconds, and the peak bytes of live `createBuffer`s (PyTorch: of its allocator's
 * tensors on CUDA, which has no such call). Throws where the library cannot do it.
 */
export function runStep(lib, { model, batch, precision, steps, python, ...how }) {
  if (lib === 'initlab') {
    const args = [ours, 'bench', 'step', '--models', model, '--batch', batch, '--precision', precision, '--json'];
    const [r, { livePeakBytes }] = run(process.execPath, ['--import', counter, ...args], how);
    return { ms: r.wallMs, first: r.firstStepMs, peak: livePeakBytes, adapter: r.adapter, precision: r.precision };
  }
  if (isPytorch(lib)) {
    const mode = ['graph', 'compile'].find((word) => lib.includes(word)) ?? 'eager';
    const as = pytorchPrecision(lib, precision);
    const [r] = run(python, [pytorchScript, 'step', '--models', model, '--batch', batch, '--how', mode, '--precision', as], how);
    return { ms: r.wallMs, first: r.firstStepMs, peak: r.peakBytes, adapter: `${r.adapter}, PyTorch ${r.torch}` };
  }
  const depth = /^resnet(\d+)$/.exec(model)?.[1];
  if (!isBundle(lib)) throw new Error(`there is no library ${lib}`);
  if (model !== 'simple-cnn' && depth === undefined) throw new Error(`${lib} trains ResNets and simple-cnn here`);
  if (precision !== 'f32') throw new Error(`${lib} trains in f32 only`);
  const shape = depth ? ['--depth', depth] : ['--model', 'small'];
  const counts = ['--batch', batch, '--steps', steps, '--warmup', '4', '--mode', 'end'];
  const [r] = run(process.execPath, [`${bundles}/${lib}_train.mjs`, ...shape, ...counts], how);
  const errors = r.gpu_errors ? { gpuErrors: r.gpu_errors } : {};
  return { ms: r.endsync_ms_per_step, first: r.first_step_ms, peak: r.gpu_mb_peak * 1e6, adapter: r.adapter, ...errors };
}

const pytorchPrecision = (lib, precision) => (lib.endsWith('-tf32') && precision === 'f32' ? 'tf32' : precision);
const directions = { fwd: 'forward', dx: 'gradInput', dw: 'gradWeight' };

/** Convolutions or norms by one library: rows of what was measured (`shape` and so on) and `ms`. */
export function runKernels(what, lib, { batch, precision, python, ...how }) {
  if (lib === 'initlab') {
    const also = precision === 'f32' ? [] : ['--precision', precision];
    return run(process.execPath, [ours, 'bench', what, '--batch', batch, ...also, '--json'], how).map(kernelRow);
  }
  if (isPytorch(lib)) {
    const args = [pytorchScript, what, '--batch', batch, '--precision', pytorchPrecision(lib, precision)];
    return run(python, args, how).map((r) => ({ ...kernelRow(r), adapter: `${r.adapter}, PyTorch ${r.torch}` }));
  }
  if (!isBundle(lib)) throw new Error(`there is no library ${lib}`);
  if (what !== 'conv2d') throw new Error(`${lib}'s ${what} is not timed here`);
  if (precision !== 'f32') throw new Error(`${lib} computes in f32 only`);
  const rows = run(process.execPath, [`${bundles}/${lib}_conv.mjs`, '--batch', batch, '--check', '0'], how);
  const adapter = rows.find((r) => r.summary)?.adapter;
  return rows
    .filter((r) => typeof r.ms === 'number')
    .map((r) => ({ shape: peerShape(r.shape, batch), direction: directions[r.op], ms: r.ms, adapter }));
}

const kernelRow = ({ shape, direction, norm, pass, gpuMs, wallMs, adapter }) => ({
  shape,
  direction,
  norm,
  pass,
  // On a GPU the kernels' own times, of all libraries that give them: Python takes longer to ask for a small kernel than it runs.
  ms: gpuMs ?? wallMs,
  adapter,
});

/** The peers' name of a shape, `c3x3_32_16-16` or `dw3x3_32_96`, as ours: `128x16x32x32 -> 16 3x3`. */
function peerShape(name, batch) {
  const [, kind, kernel, size, inputs, outputs = inputs] = /^(c|dw)(\d+x\d+)_(\d+)_(\d+)(?:-(\d+))?$/.exec(name) ?? [];
  return `${batch}x${inputs}x${size}x${size} -> ${outputs} ${kernel}${kind === 'dw' ? ` g${inputs}` : ''}`;
}

/** When, of which commit, on what and by which command rows were measured. */
export function provenance() {
  const made = `${root}dist/commit.txt`;
  let machine = {};
  try {
    [machine] = run(process.execPath, [ours, 'doctor', '--json'], { timeout: 120 });
  } catch {
    // Rows then say themselves that nothing runs.
  }
  return {
    date: new Date().toISOString().slice(0, 16),
    // Of the sources that the bundle was made of: what runs is the bundle.
    commit: existsSync(made) ? readFileSync(made, 'utf8').trim() : 'unknown',
    driver: machine.driver ?? 'unknown',
    command: ['node', 'bench/run-peers.mjs', ...process.argv.slice(2)].join(' '),
    adapter: machine.adapter ?? 'unknown',
  };
}

/** The part of a result file's name that tells the adapter. */
export function adapterSlug(adapter) {
  if (/llvmpipe|lavapipe/i.test(adapter)) return 'lavapipe';
  if (/swiftshader/i.test(adapter)) return 'swiftshader';
  const slug = adapter.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return slug.replace(/^-|-$/g, '').slice(0, 40) || 'unknown';
}

export const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
