import type { AdapterName } from './adapter-names.js';
import { dawnAdapters, findDawn, noDawnAdapterAdvice } from './dawn.js';
import type { FindGpuOptions } from './no-dawn.js';

/**
 * The browser's own WebGPU.
 * @internal
 */
export const browserGpu = (): GPU | undefined => (typeof navigator === 'undefined' ? undefined : navigator.gpu);

/**
 * The WebGPU entry point: the browser's own, or Dawn through the npm package `webgpu` in Node.
 * @internal
 */
export const findGpu = async (options: FindGpuOptions = {}): Promise<GPU> => browserGpu() ?? findDawn(options);

/** The adapters that Dawn finds, in Node; a browser names none, and the list is empty. */
export const listAdapters = async (): Promise<AdapterName[]> => (browserGpu() ? [] : dawnAdapters());

/** What to do where no adapter is found, in the words of where this runs. */
export const noAdapterAdvice = (): string =>
  browserGpu()
    ? 'This browser has WebGPU but found no adapter for it. Look at its GPU page (chrome://gpu, about:support): hardware acceleration has ' +
      'to be on, and the graphics driver up to date. In Chrome on Linux, WebGPU may have to be switched on: chrome://flags/#enable-unsafe-webgpu.'
    : noDawnAdapterAdvice();
