import { type Device, Tensor } from '@initlab/core';
import { Module, type NormFactory, normFactory } from '@initlab/nn';
import { isPluginPath, type LoadedPlugin, loadPlugin, messageOf } from './load-plugin.js';
import { PluginError, showFile, whereThrown, whereWritten } from './plugin-error.js';
import { stoppable } from './stoppable.js';

/** What `--norm` named: a registered norm, or a user's class. */
export interface ChosenNorm {
  readonly name: string;
  readonly factory: NormFactory;
  readonly plugin?: LoadedPlugin;
}

type NormClass = new (numFeatures: number, options?: { device?: Device | undefined }) => Module;

/** A registered norm by name, or the class a file exports: `new Class(numFeatures)`, [B, C, H, W] → [B, C, H, W]. */
export async function chooseNorm(name: string): Promise<ChosenNorm> {
  if (!isPluginPath(name)) return { name, factory: normFactory(name) };
  const plugin = await loadPlugin(name);
  const classes = Object.entries(plugin.exports).filter(
    (entry): entry is [string, NormClass] => typeof entry[1] === 'function' && entry[1].prototype instanceof Module,
  );
  const [first, second] = classes;
  if (!first || second)
    throw new PluginError(
      showFile(plugin.file),
      `must export one class that extends Module of @initlab/nn; it exports ${second ? classes.map(([n]) => n).join(' and ') : 'none'}`,
    );
  return { name, factory: guarded(plugin, first), plugin };
}

/** Makes the user's norm; what it throws, and an output of another shape than its input, names the file and line. */
function guarded(plugin: LoadedPlugin, [className, Norm]: [string, NormClass]): NormFactory {
  const forwardLine = (): string =>
    whereWritten(
      plugin.files,
      /^\s*(override\s+|public\s+)*forward\s*[(=]/,
      new RegExp(`\\bclass\\s+${Norm.name.replaceAll('$', '\\$')}\\b`),
    );
  const fault = (cause: unknown): PluginError =>
    cause instanceof PluginError ? cause : new PluginError(whereThrown(cause, plugin.files, forwardLine()), messageOf(cause), { cause });
  return (numFeatures, options) => {
    let norm: Module;
    try {
      norm = stoppable(() => new Norm(numFeatures, options));
    } catch (cause) {
      throw fault(cause);
    }
    const forward = norm.forward.bind(norm);
    norm.forward = (x) => {
      let y: Tensor;
      try {
        y = stoppable(() => forward(x));
      } catch (cause) {
        throw fault(cause);
      }
      const same = y instanceof Tensor && y.ndim === x.ndim && y.shape.every((d, i) => d === x.shape[i]);
      if (same) return y;
      const got = y instanceof Tensor ? `[${y.shape.join(', ')}]` : typeof y;
      throw new PluginError(
        forwardLine(),
        `${className === 'default' ? Norm.name : className}.forward must keep the shape: it got [${x.shape.join(', ')}] and returned ${got}`,
      );
    };
    return norm;
  };
}
