import { checkDevice, checkNumber, checkOptions } from '../checks/check-arguments.js';
import { becomeDefault, Device, type DeviceOptions } from './device.js';

const names = ['label', 'memoryLimit', 'tuned', 'adapterKernels', 'target', 'powerPreference', 'dawnOptions', 'adapter'] as const;

/** Open a device; where there is no default for new tensors (none yet, or it was closed or lost), this becomes it. */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  checkOptions('openDevice', options, names);
  const { memoryLimit = Number.POSITIVE_INFINITY } = options;
  checkNumber('openDevice', { memoryLimit }, { above: 0, to: Number.POSITIVE_INFINITY });
  return Device.open(options);
}

/** Make `device` the default for new tensors. One that is closed or lost is refused, and stops being the default. */
export function setDefaultDevice(device: Device): void {
  checkDevice('setDefaultDevice', device);
  becomeDefault(device);
}
