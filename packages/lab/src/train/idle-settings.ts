import { InitlabError } from '@initlab/core';
import { heedersOf, type OptimizerSetting } from './optimizers.js';
import { flagOf, type SettingsOrigin, showSetting } from './settings-origin.js';
import { type TrainConfig, trainConfigSchema } from './train-config.js';

type Setting = keyof typeof trainConfigSchema.shape;

/**
 * Refuses a setting that would do nothing beside the others: whoever gives it expects something of it. An option of the command line
 * was given whatever its value; elsewhere, as in a file with all of a run's settings, the usual value says nothing.
 */
export function refuseIdleSettings(config: TrainConfig, from: SettingsOrigin): void {
  const usual = trainConfigSchema.parse({});
  const refuse = (setting: Setting, why: (name: (other: Setting) => string) => string): void => {
    const typed = from.flags?.includes(setting) ?? false;
    if (!typed && String(config[setting]) === String(usual[setting])) return;
    throw new InitlabError(`${showSetting(setting, config[setting], from)}: ${why((other) => (typed ? flagOf(other) : other))}`);
  };
  const needs = (condition: boolean, other: Setting, value: string, settings: readonly Setting[]): void => {
    for (const setting of condition ? [] : settings)
      refuse(setting, (name) => `has an effect only with ${[name(other), value].filter(Boolean).join(' ')}`);
  };
  for (const setting of ['momentum', 'nesterov'] satisfies OptimizerSetting[]) {
    const heeders = heedersOf(setting);
    needs(heeders.includes(config.optimizer), 'optimizer', heeders.join(' or '), [setting]);
  }
  needs(config.schedule === 'multistep', 'schedule', 'multistep', ['milestones', 'gamma']);
  if (config.dataset === 'folder')
    refuse('fit', (name) => `has no effect with ${name('dataset')} folder, whose images are resized and the middle cut out`);
  needs(config.dataset === 'folder', 'dataset', 'folder', ['testShare']);
  needs(config.randAugment !== undefined, 'randAugment', '', ['randAugmentOps']);
  needs(config.warmupEpochs > 0, 'warmupEpochs', 'from 1', ['warmup', 'warmupFactor']);
}
