import { DeviceError } from '../checks/errors.js';
import { getOrMake } from '../get-or-make.js';
import { type AdapterName, adaptersIn, chooseAdapter } from './adapter-names.js';
import { type FindGpuOptions, noDawnAdapterAdvice as inBrowser, dawnAdapters as none, findDawn as refuse } from './no-dawn.js';

// In Node. For browsers, package.json puts no-dawn.ts in the place of this file.

/** Dawn switches: subgroup matrices are behind `allow_unsafe_apis`; f16 on NVIDIA behind its own. */
const dawnToggles = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];

interface DawnModule {
  create(options: string[]): GPU;
  globals: Record<string, unknown>;
}

/**
 * Dawn's WebGPU entry point, by the npm package `webgpu`.
 * @internal
 */
export async function findDawn(options: FindGpuOptions): Promise<GPU> {
  if (typeof process === 'undefined') return refuse(options);
  const given = options.dawnOptions ?? [];
  const wanted = options.adapter ?? (process.env.INITLAB_ADAPTER || undefined);
  // Who names a backend or an adapter in Dawn's own words has chosen already.
  if (wanted === undefined || given.some((option) => /^(backend|adapter)=/.test(option))) return dawnGpu(given);
  return dawnGpu([...given, `adapter=${chooseAdapter(wanted, await dawnAdapters())}`]);
}

/** What to do where Dawn finds no adapter. */
export const noDawnAdapterAdvice = (): string =>
  typeof process === 'undefined'
    ? inBrowser()
    : 'No WebGPU adapter was found. Install the Vulkan driver of the GPU, or a software driver such as Mesa’s, which is slow; if one is ' +
      'there but not seen, point VK_DRIVER_FILES at its .json in /usr/share/vulkan/icd.d. `npx initlab doctor` says what to install.';

/** The adapters that Dawn finds. */
export async function dawnAdapters(): Promise<AdapterName[]> {
  if (typeof process === 'undefined') return none();
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
  return getOrMake(roots, options.join(' '), () => dawn.create([...options]));
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
