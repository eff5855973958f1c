import { RunError, type RunFolder } from '../run/index.js';
import { type TrainConfig, trainConfig } from './train-config.js';
import { settingsIn } from './train-setup.js';

/**
 * The configuration of a run that goes on from this one to more epochs. Throws RunError where its epochs so far would have been
 * others had it been started with as many, or where there is nothing to go on from.
 */
export function extendedConfig(run: RunFolder, epochs: number): TrainConfig {
  const config = trainConfig(settingsIn(run.config), { origin: `${run.folder}/config.json` });
  const why = (reason: string): RunError =>
    new RunError(run.folder, `cannot go on from ${config.epochs} to ${epochs} epochs: ${reason}. Start a new run with --epochs ${epochs}.`);
  if (epochs < config.epochs)
    throw new RunError(run.folder, `was started with --epochs ${config.epochs}, not ${epochs}: it can be given more, not fewer.`);
  if (run.result?.diverged) throw why('it diverged');
  if (config.maxSteps !== null) throw why(`it ends after ${config.maxSteps} steps (--max-steps), whatever the epochs`);
  if (config.schedule === 'cosine')
    throw why(`its learning rate follows a cosine that comes to 0 after ${config.epochs}, so it would have been another from the start`);
  if (config.schedule === 'multistep' && config.milestones.some((at) => at < 1))
    throw why('its milestones are shares of all epochs, so they would have lain elsewhere');
  if (!run.checkpoint && run.metrics().length > 0) throw why('its checkpoint was removed');
  return { ...config, epochs };
}
