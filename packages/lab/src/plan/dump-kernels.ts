import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Device } from '@initlab/core';
import type { DispatchFacts } from '@initlab/core/internal';
import { type ZooStepOptions, zooStep } from '../bench/zoo-step.js';
import { diskError, makeFolder } from '../run/index.js';

/** A kernel of a step, with what its dispatches together do. */
export interface DumpedKernel {
  readonly op: string;
  readonly kernel: string;
  readonly file: string;
  readonly count: number;
  readonly bytes: number;
  readonly flops: number;
  /** Of its dispatches, each once: `64×1×1`. */
  readonly workgroups: readonly string[];
}
export interface DumpedStep {
  readonly model: string;
  readonly batch: number;
  readonly precision: 'f32' | 'mixed';
  readonly dispatches: number;
  readonly kernels: readonly DumpedKernel[];
}
export interface KernelDump {
  readonly plannedFor: string;
  readonly steps: readonly DumpedStep[];
}

/**
 * Write the WGSL of every kernel that the models' training steps run into a folder, a file each, with `index.json` and
 * `index.md` that say who runs them. Nothing is run.
 */
export async function dumpKernels(device: Device, models: readonly ZooStepOptions[], folder: string): Promise<KernelDump> {
  await makeFolder(folder);
  const write = (name: string, text: string): Promise<void> =>
    writeFile(path.join(folder, name), text).catch((cause: unknown) => {
      throw diskError(path.join(folder, name), cause);
    });
  const nameFile = fileNamer();
  const written = new Set<string>();
  const steps: DumpedStep[] = [];
  for (const options of models) {
    const { step, dispose } = zooStep(device, options);
    step.tunables();
    const { dispatchFacts, precision } = step.stats();
    for (const { kernel, source } of dispatchFacts) {
      const file = nameFile(kernel);
      if (written.has(file)) continue;
      written.add(file);
      await write(file, `// ${kernel}\n// for ${device.target.adapter}\n${source()}`);
    }
    const { model, batch } = options;
    steps.push({ model, batch, precision, dispatches: dispatchFacts.length, kernels: summarise(dispatchFacts, nameFile) });
    dispose();
    // The next model's buffers are of other sizes.
    device.pool.trim();
  }
  const dump: KernelDump = { plannedFor: device.target.adapter, steps };
  await write('index.json', `${JSON.stringify(dump, null, 1)}\n`);
  await write('index.md', renderIndex(dump));
  return dump;
}

/** Rows by op and kernel, in the order in which a step first meets them. */
function summarise(facts: readonly DispatchFacts[], nameFile: (kernel: string) => string): DumpedKernel[] {
  const rows = new Map<string, DumpedKernel>();
  for (const { op, kernel, bytes, flops, workgroups } of facts) {
    const key = `${op} ${kernel}`;
    const known = rows.get(key) ?? { op, kernel, file: nameFile(kernel), count: 0, bytes: 0, flops: 0, workgroups: [] };
    rows.set(key, {
      ...known,
      count: known.count + 1,
      bytes: known.bytes + bytes,
      flops: known.flops + flops,
      workgroups: [...new Set([...known.workgroups, workgroups.join('×')])],
    });
  }
  return [...rows.values()];
}

const longest = 96;

/**
 * File names from kernel names: what file systems dislike becomes a dash; where that is too long, or another kernel has
 * the name already (also when case does not count), a hash of the kernel's name ends it.
 */
export function fileNamer(): (kernel: string) => string {
  const byKernel = new Map<string, string>();
  const taken = new Set<string>();
  return (kernel) => {
    const known = byKernel.get(kernel);
    if (known !== undefined) return known;
    const plain = kernel.replace(/[^\w.]+/g, '-').replace(/^[-.]+|[-.]+$/g, '') || 'kernel';
    const hash = createHash('sha256').update(kernel).digest('hex').slice(0, 8);
    const ambiguous = plain.length > longest || taken.has(plain.toLowerCase());
    const stem = ambiguous ? `${plain.slice(0, longest).replace(/[-.]+$/, '')}-${hash}` : plain;
    taken.add(stem.toLowerCase());
    byKernel.set(kernel, `${stem}.wgsl`);
    return `${stem}.wgsl`;
  };
}

/** Bars would end a cell of the table. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

function renderIndex({ plannedFor, steps }: KernelDump): string {
  const lines = [
    `# Kernels for ${plannedFor}`,
    '',
    'Planned, not measured. Bytes count every binding of every dispatch once, flops only products.',
  ];
  for (const { model, batch, precision, dispatches, kernels } of steps) {
    lines.push('', `## ${model}, batch ${batch}, ${precision}: ${dispatches} dispatches of ${kernels.length} kernels`, '');
    lines.push('| op | kernel | count | MB | GFLOP | workgroups |', '|---|---|---:|---:|---:|---|');
    for (const { op, kernel, file, count, bytes, flops, workgroups } of kernels)
      lines.push(
        `| ${cell(op)} | [${cell(kernel)}](${file}) | ${count} | ${(bytes / 1e6).toFixed(2)} | ${flops ? (flops / 1e9).toFixed(3) : ''} | ${workgroups.join(', ')} |`,
      );
  }
  return `${lines.join('\n')}\n`;
}
