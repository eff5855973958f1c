export { readSafetensorsMetadata } from './header.js';
export { parseSafetensors, type SafeTensor, type SafetensorsFile } from './parse.js';
export { SafetensorsError } from './safetensors-error.js';
export { type SavedTensor, serializeSafetensors } from './serialize.js';
