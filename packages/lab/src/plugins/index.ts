export { pluginCopies } from './copy-plugins.js';
export { type ChosenInitializer, chooseInitializer } from './init-plugin.js';
export type { LoadedPlugin } from './load-plugin.js';
export { newPlugin, type PluginKind } from './new-plugin.js';
export { type ChosenNorm, chooseNorm } from './norm-plugin.js';
