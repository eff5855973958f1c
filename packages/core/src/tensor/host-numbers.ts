import type { DType } from '@initlab/kernels';
import { checkBody, checkDType, checkOptions, checkSizes } from '../checks/check-arguments.js';
import type { Device } from '../gpu/device.js';
import { currentRecorder } from '../record/recorder.js';
import { type Numbers, toBytes } from '../storage/host-data.js';
import { scopeTrack } from '../storage/scope.js';
import { bytesOf, rowMajor } from '../storage/spec.js';
import { Tensor } from './tensor.js';

/** What `hostNumbers` makes: a vector of few numbers. */
export interface HostNumbersOptions {
  /** Where they are read. */
  readonly device: Device;
  /** How many. */
  readonly count: number;
  readonly dtype: DType;
  /** Shown in leak reports and out-of-memory errors. */
  readonly label: string;
}

/**
 * A small vector that a kernel reads and the host writes: the learning rate of one update, the seed and counter of one draw.
 * `next` gives the numbers, and may move what it counts; it is asked once for every use, at once in eager code and before
 * every call of a compiled step, in the order of the uses. Each use has a vector of its own: two uses in one step are two
 * numbers, and what a gradient reads later is what its forward read. Ask for one at each use, and write to it nowhere else.
 */
export function hostNumbers(options: HostNumbersOptions, next: () => Numbers): Tensor {
  checkOptions('hostNumbers', options, ['device', 'count', 'dtype', 'label']);
  const { device, count, dtype, label } = options;
  checkSizes('hostNumbers', { count }, 0);
  checkDType('hostNumbers', dtype);
  checkBody('hostNumbers', next);
  const spec = rowMajor([count], dtype);
  const recorder = currentRecorder();
  if (!recorder) return scopeTrack(Tensor.allocate(device, spec, label)).set(next());
  const slot = recorder.hostSlot(device, bytesOf(spec), label);
  recorder.beforeReplay(() => slot.write(toBytes(next(), spec)));
  return scopeTrack(new Tensor(slot.storage, spec));
}
