import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { runFiles } from '../run/index.js';
import { findRuns, type RunSummary, summarizeRun } from '../runs/index.js';
import type { RunList, RunEpochs } from './api.js';

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
    const found = [...this.known.values()].find(({ summary }) => summary.run === run);
    if (!found) return undefined;
    return { run, epochs: readLines(path.join(found.summary.folder, runFiles.metrics)) };
  }
}

function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats ? `${stats.mtimeMs}/${stats.size}` : '';
}

function readLines(file: string): RunEpochs['epochs'] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      const { epoch, trainLoss, testLoss, trainAccuracy, testAccuracy } = JSON.parse(line) as Record<string, unknown>;
      const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
      if (typeof epoch !== 'number') return [];
      return [
        {
          ...{ epoch, trainLoss: number(trainLoss), testLoss: number(testLoss) },
          ...{ trainAccuracy: number(trainAccuracy), testAccuracy: number(testAccuracy) },
        },
      ];
    } catch {
      // The line that is being written.
      return [];
    }
  });
}
