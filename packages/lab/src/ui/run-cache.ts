import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { runFiles } from '../run/index.js';
import { findRuns, type RunSummary, summarizeRun } from '../runs/index.js';
import type { RunEpochs, RunList, RunProbes } from './api.js';

/** The runs of a folder as they stand, read anew only where a file of theirs has changed. */
export class RunCache {
  private readonly known = new Map<string, { readonly stamp: string; readonly summary: RunSummary }>();

  constructor(private readonly root: string) {}

  /** All runs, and a tag that changes with them. */
  list(): RunList & { readonly tag: string } {
    const runs: RunSummary[] = [];
    const stamps = createHash('sha256');
    for (const folder of findRuns(this.root)) {
      const stamp = [runFiles.config, runFiles.metrics, runFiles.result].map((name) => stampOf(path.join(folder, name))).join();
      const before = this.known.get(folder);
      // Whether a run that is not complete is being made changes with no file of these.
      const settled = before?.summary.state === 'complete' || before?.summary.state === 'diverged';
      const summary = before && settled && before.stamp === stamp ? before.summary : summarizeRun(folder, { root: this.root });
      this.known.set(folder, { stamp, summary });
      stamps.update(`${folder}:${stamp}:${summary.state};`);
      runs.push(summary);
    }
    return { root: this.root, runs, tag: `"${stamps.digest('hex').slice(0, 20)}"` };
  }

  /** The epochs of one of them; undefined where it is none: a name is never taken for a path. */
  epochs(run: string): RunEpochs | undefined {
    const folder = this.folderOf(run);
    return folder === undefined ? undefined : { run, epochs: readLines(path.join(folder, runFiles.metrics), epochOf) };
  }

  /** The first and the latest look inside the net of one of them. */
  probes(run: string): RunProbes | undefined {
    const folder = this.folderOf(run);
    if (folder === undefined) return undefined;
    const all = readLines(path.join(folder, runFiles.probes), probeOf);
    return { run, probes: all.length > 1 ? [all[0], all.at(-1)].flatMap((probe) => probe ?? []) : all };
  }

  private folderOf(run: string): string | undefined {
    return [...this.known.values()].find(({ summary }) => summary.run === run)?.summary.folder;
  }
}

function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats ? `${stats.mtimeMs}/${stats.size}` : '';
}

type Line = Readonly<Record<string, unknown>>;

/** Lines of JSON that `read` makes something of. */
function readLines<T>(file: string, read: (line: Line) => T | undefined): T[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      const made = read(JSON.parse(line) as Line);
      return made === undefined ? [] : [made];
    } catch {
      // The line that is being written.
      return [];
    }
  });
}

const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function epochOf({ epoch, trainLoss, testLoss, trainAccuracy, testAccuracy }: Line): RunEpochs['epochs'][number] | undefined {
  if (typeof epoch !== 'number') return undefined;
  return {
    ...{ epoch, trainLoss: number(trainLoss), testLoss: number(testLoss) },
    ...{ trainAccuracy: number(trainAccuracy), testAccuracy: number(testAccuracy) },
  };
}

function probeOf({ step, layers }: Line): RunProbes['probes'][number] | undefined {
  if (typeof step !== 'number' || !Array.isArray(layers)) return undefined;
  return {
    step,
    layers: (layers as Line[]).map(({ name, mean, deviation, gradientNorm, weightNorm, dead }) => ({
      ...{ name: String(name), mean: number(mean), deviation: number(deviation), gradientNorm: number(gradientNorm) },
      ...{ weightNorm: number(weightNorm), dead: number(dead) },
    })),
  };
}
