export { type LayerProbe, type LayerProbes, type ProbedLayer, type ProbeOptions, probeLayers, readProbes } from './probe-layers.js';
