export { parseSafetensors, SafetensorsError, type SafetensorsFile, type SafeTensor } from './parse.js';
export { type SavedTensor, serializeSafetensors } from './serialize.js';
