import { type Device, openDevice } from '@initlab/core';
import { afterAll, beforeAll } from 'vitest';

/** How kernels and rewrites are chosen: as for a CPU driver, or as for a GPU. */
export type Kind = 'cpu' | 'gpu';
export const bothKinds: readonly Kind[] = ['cpu', 'gpu'];

/** A device of each kind for the tests of this file, opened before them and closed after. */
export function devicesOfBothKinds(): (kind: Kind) => Device {
  const devices: Record<Kind, Device | undefined> = { cpu: undefined, gpu: undefined };
  beforeAll(async () => {
    devices.cpu = await openDevice();
    devices.gpu = await openDevice({ label: 'as a GPU', target: { software: false, rolled: true } });
  });
  afterAll(() => {
    for (const device of Object.values(devices)) device?.close();
  });
  return (kind) => devices[kind] as Device;
}
