import { type Device, openDevice, setDefaultDevice } from '@initlab/core';
import { afterAll, beforeAll } from 'vitest';

/** A device for the tests of this file that is also the library's, so that calls need not name it. */
export function defaultDeviceOfTests(): () => Device {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice();
    setDefaultDevice(device);
  });
  afterAll(() => device.close());
  return () => device;
}

/** Milliseconds that no answer takes, though a busy machine makes a second of it. */
export const patience = 10_000;
