export { checkpointMetadata, metricsBytesKey } from './checkpoint-metadata.js';
export { FolderLock, lockFile, type TakeLockOptions } from './folder-lock.js';
export { makeFolder } from './make-folder.js';
export { MetricsLog, type MetricsRecord, readMetrics } from './metrics-log.js';
export { replaceFile } from './replace-file.js';
export { diskError, InUseError, diskReason, isMissing, RunError } from './run-error.js';
export { readFinishedRun } from './finished-run.js';
export { type Checkpoint, type CreateRunOptions, type JsonObject, RunFolder, runFiles, runId } from './run-folder.js';
