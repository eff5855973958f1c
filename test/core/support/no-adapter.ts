import { openDevice } from '@initlab/core';

/** What a page is told where its browser has WebGPU but no adapter. */
export async function run(): Promise<string> {
  navigator.gpu.requestAdapter = () => Promise.resolve(null);
  try {
    await openDevice();
    return 'a device';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}
