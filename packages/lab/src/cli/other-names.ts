import type { Command } from 'commander';

/** What our options are called elsewhere: by the training scripts of torchvision and timm, and by habit. */
const otherNames: Readonly<Record<string, string>> = {
  '--model': '--arch',
  '--batch-size': '--batch',
  '--batchsize': '--batch',
  '--learning-rate': '--lr',
  '--wd': '--weight-decay',
  '--opt': '--optimizer',
  '--sched': '--schedule',
  '--lr-scheduler': '--schedule',
  '--lr-warmup-epochs': '--warmup-epochs',
  '--clip-grad': '--clip-norm',
  '--clip-grad-norm': '--clip-norm',
  '--smoothing': '--label-smoothing',
  '--mixup-alpha': '--mixup',
  '--cutmix-alpha': '--cutmix',
  '--img-size': '--image-size',
  '--amp': '--precision mixed',
  '--data': '--dataset',
  '--data-path': '--data-dir',
  '--output-dir': '--out',
  '--output': '--out',
  '--initialization': '--init',
  '--initialisation': '--init',
};

/** An error about an option, with our name for it where it has one among the command's. */
export function withOurName(error: string, command: Command): string {
  const ours = otherNames[/unknown option '(--[\w-]+)/.exec(error)?.[1] ?? ''];
  const known = command.options.some(({ long }) => long === ours?.split(' ')[0]);
  return known ? `${error.split('\n', 1)}\n(Did you mean ${ours}?)\n` : error;
}
