export { fitLine, type LinePart } from './fit-line.js';
export { createProgress, type Progress, type ProgressOptions, type ProgressStream, type ShownTraining, type Tally } from './progress.js';
export { RateMeter } from './rate-meter.js';
export { showDuration } from './show-duration.js';
export type { StepProgress, TrainingPlan } from './training-progress.js';
