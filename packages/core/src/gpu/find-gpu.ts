import { DeviceError } from '../checks/errors.js';
import { type AdapterName, adaptersIn, chooseAdapter } from './adapter-names.js';

/** Dawn switches: subgroup matrices are behind `allow_unsafe_apis`; f16 on NVIDIA behind its own. */
const dawnToggles = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];

interface DawnModule {
  create(options: string[]): GPU;
  globals: Record<string, unknown>;
}

export interface FindGpuOptions {
  /** Extra Dawn options (`backend=null`, `adapter=…`); Node only. */
  readonly dawnOptions?: readonly string[];
  /**
   * Which GPU of several, by a part of its name (`listAdapters`); Node only. Default: the environment's `INITLAB_ADAPTER`, or
   * else what the driver prefers.
   */
  readonly adapter?: string | undefined;
}

/**
 * The browser's own WebGPU.
 * @internal
 */
export const browserGpu = (): GPU | undefined => (typeof navigator === 'undefined' ? undefined : navigator.gpu);

/**
 * The WebGPU entry point: the browser's own, or Dawn through the npm package `webgpu` in Node.
 * @internal
 */
export async function findGpu(options: FindGpuOptions = {}): Promise<GPU> {
  const own = browserGpu();
  if (own) return own;
  if (typeof process === 'undefined')
    throw new DeviceError('This browser has no WebGPU. Use a current Chrome or Edge, Safari 26 or Firefox 141, on https or localhost.');
  const given = options.dawnOptions ?? [];
  const wanted = options.adapter ?? (process.env.INITLAB_ADAPTER || undefined);
  // Who names a backend or an adapter in Dawn's own words has chosen already.
  if (wanted === undefined || given.some((option) => /^(backend|adapter)=/.test(option))) return dawnGpu(given);
  return dawnGpu([...given, `adapter=${chooseAdapter(wanted, await listAdapters())}`]);
}

/** The adapters that Dawn finds, in Node; a browser names none, and the list is empty. */
export async function listAdapters(): Promise<AdapterName[]> {
  if (browserGpu() || typeof process === 'undefined') return [];
  // Dawn has no list, but names all where none fits.
  const nobody = await dawnGpu(['adapter=(none is called so)']);
  try {
    await nobody.requestAdapter();
    return [];
  } catch (error) {
    return adaptersIn(error instanceof Error ? error.message : String(error));
  }
}

async function dawnGpu(options: readonly string[]): Promise<GPU> {
  // Dawn's Vulkan loader complains on stderr without it; any writable folder does.
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  const dawn = await importDawn();
  Object.assign(globalThis, dawn.globals);
  // For measurements: INITLAB_DAWN_FEATURES=disable_robustness and the like, by Dawn's names.
  const further = (process.env.INITLAB_DAWN_FEATURES ?? '').split(',').filter(Boolean);
  return rootOf(dawn, [
    `enable-dawn-features=${[...dawnToggles, ...further].join(',')}`,
    // Dawn rounds timestamps to 65.5 µs, as a browser must: longer than most kernels take on a GPU.
    'disable-dawn-features=timestamp_quantization',
    ...options,
  ]);
}

const roots = new Map<string, GPU>();

/**
 * Dawn's root object for these options, one in the process: each has a driver instance, its threads and descriptors, and gives
 * them back when JavaScript's collector gets to it, which many opened and closed devices do not make it do.
 */
function rootOf(dawn: DawnModule, options: readonly string[]): GPU {
  const key = options.join(' ');
  const known = roots.get(key) ?? dawn.create([...options]);
  roots.set(key, known);
  return known;
}

async function importDawn(): Promise<DawnModule> {
  // A variable keeps browser bundlers from following the import.
  const name = 'webgpu';
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as DawnModule;
  } catch (cause) {
    throw new DeviceError('The npm package "webgpu" (Dawn for Node) is not installed or does not load here: npm install webgpu', { cause });
  }
}

/** What to do where no adapter is found, in the words of where this runs. */
export const noAdapterAdvice = (): string =>
  browserGpu()
    ? 'This browser has WebGPU but found no adapter for it. Look at its GPU page (chrome://gpu, about:support): hardware acceleration has ' +
      'to be on, and the graphics driver up to date. In Chrome on Linux, WebGPU may have to be switched on: chrome://flags/#enable-unsafe-webgpu.'
    : 'No WebGPU adapter was found. Install the Vulkan driver of the GPU, or a software driver such as Mesa’s, which is slow; if one is ' +
      'there but not seen, point VK_DRIVER_FILES at its .json in /usr/share/vulkan/icd.d. `npx initlab doctor` says what to install.';
