import type { Command } from 'commander';
import { settingOptions } from './setting-options.js';

/** What our options are called elsewhere: by the training scripts of torchvision, timm and PyTorch's examples, and by habit. */
const otherNames: Readonly<Record<string, string>> = {
  '--model': '--arch',
  '-a': '--arch',
  '--batch-size': '--batch',
  '--batchsize': '--batch',
  '-b': '--batch',
  '--grad-accum-steps': '--mini-batches',
  '--num-epochs': '--epochs',
  '--max-iters': '--max-steps',
  '--learning-rate': '--lr',
  '--wd': '--weight-decay',
  '--opt': '--optimizer',
  '--sched': '--schedule',
  '--scheduler': '--schedule',
  '--lr-scheduler': '--schedule',
  '--decay-milestones': '--milestones',
  '--decay-epochs': '--milestones',
  '--lr-step-size': '--milestones',
  '--decay-rate': '--gamma',
  '--lr-gamma': '--gamma',
  '--lr-warmup-epochs': '--warmup-epochs',
  '--lr-warmup-method': '--warmup',
  '--lr-warmup-decay': '--warmup-factor',
  '--warmup-lr': '--warmup-factor',
  '--clip-grad': '--clip-norm',
  '--clip-grad-norm': '--clip-norm',
  '--smoothing': '--label-smoothing',
  '--mixup-alpha': '--mixup',
  '--cutmix-alpha': '--cutmix',
  '--no-aug': '--no-augment',
  '--aa': '--rand-augment',
  '--auto-augment': '--rand-augment',
  '--ra-magnitude': '--rand-augment',
  '--reprob': '--cutout',
  '--random-erase': '--cutout',
  '--img-size': '--image-size',
  '--input-size': '--image-size',
  '--train-crop-size': '--image-size',
  '--val-split': '--validation',
  '--amp': '--precision mixed',
  '--fp16': '--precision mixed',
  '--data': '--dataset',
  '--data-path': '--data-dir',
  '--dataset-download': '--download',
  '--output-dir': '--out',
  '--output': '--out',
  '-o': '--out',
  '--checkpoint': '--resume',
  '--device': '--adapter',
  '--gpu': '--adapter',
  '--initialization': '--init',
  '--initialisation': '--init',
};

const settingFlags = new Set(Object.values(settingOptions).map(({ long }) => long));

/** What commander says of a command line that it does not understand, in our words: the option as it was typed, and what it must be. */
export function usageError(error: string, command: Command): string {
  const [said = ''] = error.replace(/^error: /, '').split('\n');
  const value = /^option '.*?(--[\w-]+).*?' argument '(.*)' is invalid\. (.*)$/.exec(said);
  if (value) return `initlab: ${value[1]} ${value[2]}: ${inOurWords(value[3] ?? '')}\n`;
  const argument = /^command-argument value '(.*)' is invalid for argument '(.*)'\. (.*)$/.exec(said);
  if (argument) return `initlab: ${argument[2]} ${argument[1]}: ${inOurWords(argument[3] ?? '')}\n`;
  const typed = /^unknown option '(--?[\w-]+)/.exec(said)?.[1];
  const hint = typed === undefined ? undefined : hintFor(typed, command);
  return hint === undefined ? error.replace(/^error: /, 'initlab: ') : `initlab: ${said}\n(${hint})\n`;
}

const inOurWords = (reason: string): string => reason.replace(/^Allowed choices are (.*)\.$/, 'must be one of $1');

/** What to type instead of an option that the command does not have. */
function hintFor(typed: string, command: Command): string | undefined {
  const ours = otherNames[typed];
  const flag = ours?.split(' ')[0] ?? typed;
  if (ours !== undefined && command.options.some(({ long }) => long === flag)) return `Did you mean ${ours}?`;
  if (!settingFlags.has(flag)) return undefined;
  if (command.name() === 'sweep') return `A sweep takes settings as --grid ${flag.slice(2)}=…, or all its runs’ from the file of --config.`;
  if (command.parent?.name() === 'table') return `A table’s settings are its own; train and sweep take ${ours ?? flag}.`;
  return undefined;
}
