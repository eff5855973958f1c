import { findInitializer, type InitializeWeights, type Module } from '@initlab/nn';
import { isPluginPath, type LoadedPlugin, loadPlugin, messageOf } from './load-plugin.js';
import { PluginError, showFile, whereThrown, whereWritten } from './plugin-error.js';
import { stoppable } from './stoppable.js';

/** What `--init` named: a registered strategy, or a user's file. */
export interface ChosenInitializer {
  readonly name: string;
  readonly initialize: InitializeWeights;
  readonly dataDependent: boolean;
  readonly plugin?: LoadedPlugin;
}

/** A registered initialisation by name, or the function `initializeWeights` a file exports. */
export async function chooseInitializer(name: string): Promise<ChosenInitializer> {
  if (!isPluginPath(name)) {
    const { initialize, dataDependent = false } = findInitializer(name);
    return { name, initialize, dataDependent };
  }
  const plugin = await loadPlugin(name);
  const { initializeWeights } = plugin.exports;
  if (typeof initializeWeights !== 'function') {
    const found = Object.keys(plugin.exports).join(', ') || 'nothing';
    throw new PluginError(
      showFile(plugin.file),
      `must export a function initializeWeights(model, { arch, numClasses, depth }); it exports ${found}`,
    );
  }
  return { name, initialize: guarded(plugin, initializeWeights as InitializeWeights), dataDependent: true, plugin };
}

const declaration = /\binitializeWeights\b/;

/** Runs the user's function; faults name the file and line, and shapes that changed or values that are not finite are refused. */
function guarded(plugin: LoadedPlugin, initialize: InitializeWeights): InitializeWeights {
  return async (model, options) => {
    const shapes = new Map([...model.namedParameters()].map(([name, p]) => [name, [...p.shape]]));
    try {
      await stoppable(() => initialize(model, options));
    } catch (cause) {
      throw new PluginError(whereThrown(cause, plugin.files, whereWritten(plugin.files, declaration)), messageOf(cause), { cause });
    }
    checkShapes(model, { plugin, shapes });
    await checkFinite(model, plugin);
  };
}

/** Parameters may be added (a scale on a branch), but those of the model stay what they are. */
function checkShapes(model: Module, { plugin, shapes }: { plugin: LoadedPlugin; shapes: ReadonlyMap<string, readonly number[]> }): void {
  const now = new Map(model.namedParameters());
  for (const [name, shape] of shapes) {
    const found = now.get(name)?.shape;
    if (found && found.length === shape.length && found.every((d, i) => d === shape[i])) continue;
    const got = found ? `of shape [${found.join(', ')}]` : 'missing';
    throw new PluginError(
      whereWritten(plugin.files, declaration),
      `left ${name} ${got}; it must stay [${shape.join(', ')}]. Set values in place: weight.set(…), or a function of init`,
    );
  }
}

async function checkFinite(model: Module, plugin: LoadedPlugin): Promise<void> {
  for (const [name, parameter] of model.namedParameters()) {
    const values = await parameter.read();
    const bad = values.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw new PluginError(
        whereWritten(plugin.files, declaration),
        `left ${name} [${parameter.shape.join(', ')}] with ${values[bad]} at element ${bad}`,
      );
  }
}
