import { Option } from 'commander';
import { type TrainConfig, trainConfigSchema } from '../train/train-config.js';
import { number, numberList, whole } from './cli-arguments.js';

const { dataset, optimizer, schedule, warmup, precision, fit } = trainConfigSchema.shape;

const option = (flags: string, description: string, parse?: (text: string) => unknown): Option => {
  const made = new Option(flags, description);
  return parse ? made.argParser(parse) : made;
};
/** One of the words that the setting may be. */
const choice = (flags: string, description: string, setting: { unwrap(): { readonly options: readonly string[] } }): Option =>
  new Option(flags, description).choices(setting.unwrap().options);

/** Options under a heading of `--help`. */
const group = <Options extends Partial<Record<keyof TrainConfig, Option>>>(heading: string, options: Options): Options => {
  for (const option of Object.values(options)) option.helpGroup(heading);
  return options;
};

/** Headings that options beside these stand under, too. */
export const headings = { data: 'Data:', run: 'Run:' } as const;

/** For each setting of a training the option that sets it, in the order of `--help`. A setting without one does not compile. */
export const settingOptions: Readonly<Record<keyof TrainConfig, Option>> = {
  ...group('Net:', {
    arch: option('--arch <name>', 'a model of `initlab models` (default: resnet56)'),
    init: option('--init <name|file>', 'one of `initlab inits`, or your own file (default: kaiming)'),
    norm: option('--norm <name|file>', 'one of `initlab norms`, or your own file (default: the model’s own, which is batch for most)'),
  }),
  ...group(headings.data, {
    dataset: choice('--dataset <name>', 'or folder: images by class, in --data-dir (default: cifar100)', dataset),
    testShare: option(
      '--test-share <share>',
      'of a folder: images that are its test, where it has none (default: it must have one)',
      number,
    ),
    imageSize: option('--image-size <n>', 'height and width of the images (default: the model’s own, 32, or 224 for imagenet-…)', whole),
    fit: choice('--fit <how>', 'how images come to that size (default: resize)', fit),
    mean: option('--mean <list>', 'subtracted from x / 255, per channel or one for all (default: the dataset’s)', numberList),
    std: option('--std <list>', 'divided by after that (default: the dataset’s)', numberList),
    validation: option('--validation <share>', 'share of the training images kept back for validation (default: 0)', number),
    limit: option('--limit <n>', 'only the first n images of each split; of a folder, n from all classes', whole),
  }),
  ...group('Augmentation:', {
    augment: option('--no-augment', 'without random crop and flip'),
    cutout: option('--cutout <side>', 'Cutout with squares of this side', whole),
    randAugment: option(
      '--rand-augment <m>',
      'RandAugment of this magnitude, from 0 to 30, by torchvision’s ranges (default: none)',
      number,
    ),
    randAugmentOps: option('--rand-augment-ops <n>', 'changes of an image by RandAugment (default: 2)', whole),
    colorJitter: option(
      '--color-jitter <list>',
      'how far brightness, contrast, saturation and hue change; one number: the first three (default: none)',
      numberList,
    ),
    mixup: option('--mixup <alpha>', 'mix images of a batch, and their labels, by shares from Beta(α, α) (default: 0, none)', number),
    cutmix: option('--cutmix <alpha>', 'exchange rectangles between images of a batch (default: 0, none)', number),
  }),
  ...group('Training:', {
    epochs: option('--epochs <n>', '(default: 200)', whole),
    maxSteps: option('--max-steps <n>', 'stop after this many steps', whole),
    seed: option('--seed <n>', '(default: 42)', number),
    batchSize: option('--batch <n>', 'images per step (default: 128)', whole),
    miniBatches: option('--mini-batches <n>', 'parts a batch is computed in, to save memory; their gradients add (default: 1)', whole),
    optimizer: choice('--optimizer <name>', '(default: sgd)', optimizer),
    lr: option('--lr <rate>', 'learning rate (default: 0.1)', number),
    momentum: option('--momentum <m>', 'of sgd and lars (default: 0.9)', number),
    nesterov: option('--nesterov', 'Nesterov’s momentum'),
    weightDecay: option('--weight-decay <d>', 'on every parameter (default: 5e-4)', number),
    scalarLr: option('--scalar-lr <factor>', 'times the rate for parameters of one number, as Fixup has it (default: 1)', number),
    labelSmoothing: option('--label-smoothing <s>', '(default: 0)', number),
    clipNorm: option('--clip-norm <n>', 'scale gradients whose norm is larger (default: never)', number),
    precision: choice('--precision <p>', 'mixed: f16 activations, f32 weights, loss scaling (default: f32)', precision),
  }),
  ...group('Learning rate by epoch:', {
    schedule: choice('--schedule <name>', 'of the learning rate, by epoch (default: cosine)', schedule),
    milestones: option(
      '--milestones <list>',
      'epochs at which multistep multiplies the rate by gamma; below 1, shares of all epochs',
      numberList,
    ),
    gamma: option('--gamma <factor>', '(default: 0.1)', number),
    warmupEpochs: option('--warmup-epochs <n>', 'epochs in which the rate rises before the schedule begins (default: 0)', whole),
    warmup: choice('--warmup <kind>', 'how it rises (default: linear)', warmup),
    warmupFactor: option('--warmup-factor <f>', 'times the rate at the start of warm-up (default: 0.1)', number),
  }),
  ...group(headings.run, {
    probe: option(
      '--probe <n>',
      'look inside the net every n steps: activations, gradients, weights, dead units by layer (default: never)',
      whole,
    ),
  }),
};
