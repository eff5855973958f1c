export {
  type BySeed,
  confidence,
  type Difference,
  differenceOf,
  mostSeeds,
  pairedDifference,
  power,
  type Verdict,
  verdictOf,
  welchDifference,
} from './difference.js';
export { type Sample, sampleOf } from './sample.js';
