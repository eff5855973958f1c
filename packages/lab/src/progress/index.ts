export { createProgress, type Progress, type ProgressOptions } from './progress.js';
export { RateMeter } from './rate-meter.js';
export { showDuration } from './show-duration.js';
export type { StepProgress, TrainingPlan } from './training-state.js';
