import { openDevice } from '@initlab/core';
import { figures } from '../bench/statistics.js';
import { usualBatch } from '../bench/zoo-step.js';
import {
  collectProblems,
  convolutionRows,
  type Finding,
  readTuned,
  type TunedFile,
  tunedPath,
  tuneProblem,
  writeTuned,
} from '../tune/index.js';

export interface TuneOptions {
  /** Default: simple-cnn and ResNet-20 on a CPU driver, the whole bench on a GPU. `conv2d` stands for its single convolutions. */
  readonly models?: readonly string[];
  readonly batch?: number;
  /** Default: f32 on a CPU driver, both on a GPU that has f16. */
  readonly precision?: readonly ('f32' | 'mixed')[];
  /** Seconds. */
  readonly budget: number;
  /** Default: where the other commands look for it. */
  readonly out?: string;
  /** Also what an earlier run measured. */
  readonly again?: boolean;
  readonly json?: boolean;
}

const gpuModels = ['resnet20', 'resnet56', 'resnet110', 'vgg16-bn', 'mobilenetv2', 'simple-cnn', convolutionRows];

/** `initlab tune`: the fastest right kernel for every convolution and matrix product of the models. Returns the exit status. */
export async function tuneCommand({ models, batch, precision, budget, out, again = false, json = false }: TuneOptions): Promise<number> {
  const end = performance.now() + budget * 1e3;
  const device = await openDevice();
  const { adapter, software } = device.caps;
  const file = out ?? tunedPath(adapter);
  const problems: TunedFile['problems'] = { ...(await readTuned(file, adapter)) };
  const names = models ?? (software ? ['simple-cnn', 'resnet20'] : gpuModels);
  const precisions = precision ?? (software || !device.caps.f16 ? (['f32'] as const) : (['f32', 'mixed'] as const));
  const say = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  say(`${adapter}: ${names.join(', ')}; at most ${budget} s`);
  const all = collectProblems(
    device,
    names.flatMap((model) => precisions.map((precision) => ({ model, batch: batch ?? usualBatch(model, device), precision }))),
  );
  const open = all.filter(({ node }) => again || !problems[node.problem.key]);
  const findings: { key: string; count: number; finding: Finding }[] = [];
  let left = open.length;
  for (const [i, { node, count }] of open.entries()) {
    if (performance.now() > end) break;
    const { key } = node.problem;
    const finding = await tuneProblem(device, node, { deadline: end });
    left--;
    if (!finding) {
      say(`${String(i + 1).padStart(4)}/${open.length}  ${key}: no candidate is right here; the reference kernel stays`);
      continue;
    }
    if (!finding.complete) {
      // Half a look is no finding: the next run begins here.
      left++;
      break;
    }
    findings.push({ key, count, finding });
    say(`${String(i + 1).padStart(4)}/${open.length}  ${showFinding(key, count, finding)}`);
    for (const { variant, reason } of finding.refused) say(`           refused ${variant}: ${reason}`);
    problems[key] = rounded(finding);
    await writeTuned(file, { adapter, problems });
  }
  device.close();
  const gain = findings.reduce((sum, { count, finding }) => sum + count * (finding.guess.ms - finding.best.ms), 0);
  const total = findings.reduce((sum, { count, finding }) => sum + count * finding.guess.ms, 0);
  const hits = findings.filter(({ finding }) => finding.best.variant === finding.guess.variant).length;
  const ratio = Math.exp(
    findings.reduce((sum, { finding }) => sum + Math.log(finding.guess.ms / finding.best.ms), 0) / (findings.length || 1),
  );
  const summary = {
    adapter,
    file,
    problems: all.length,
    measured: findings.length,
    left,
    refused: findings.reduce((sum, { finding }) => sum + finding.refused.length, 0),
    /** The cost model: how often its first guess was the fastest, and how much slower it was in geometric mean. */
    guessedRight: hits,
    guessTimesBest: figures(ratio),
    guessMs: figures(total),
    bestMs: figures(total - gain),
  };
  if (json) process.stdout.write(`${JSON.stringify({ ...summary, findings })}\n`);
  else {
    say(
      `${findings.length} of ${all.length} problems measured${findings.length > 0 ? `; the cost model guessed ${hits} of them right, and its guesses take ${ratio.toFixed(2)} times as long as the best (geometric mean); ${figures(total)} → ${figures(total - gain)} ms a step of all models` : ''}`,
    );
    say(left > 0 ? `${left} left: run it again to go on.` : 'Nothing left.');
    say(`Written to ${file}${out ? '' : ', where the other commands find it'}.`);
  }
  return 0;
}

const rounded = ({ best, guess, tried }: Finding): TunedFile['problems'][string] => ({
  best: { ...best, ms: figures(best.ms) },
  guess: { ...guess, ms: figures(guess.ms) },
  tried,
});

function showFinding(key: string, count: number, { best, guess, tried }: Finding): string {
  const gain = best.variant === guess.variant ? 'as guessed' : `${(guess.ms / best.ms).toFixed(2)} × faster than ${guess.variant}`;
  return `${key} (${count} ×): ${best.variant} ${figures(best.ms)} ms, ${gain}; ${tried} tried`;
}
