export { type TenEpochRun, type TenEpochSeed, tenEpochReference } from './ten-epoch-reference.js';
