import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);

/**
 * Dawn's null backend: it runs nothing, but checks shaders and pipelines, those with subgroup matrices too. Its subgroups
 * are up to 128 wide (workgroups are a multiple of that along x), its limits the defaults: 16 KiB, 256 invocations.
 */
export async function openNullGpu(): Promise<{ device: GPUDevice; subgroupMaxSize: number }> {
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('Dawn has no null backend');
  const device = await adapter.requestDevice({
    requiredFeatures: ['chromium-experimental-subgroup-matrix', 'shader-f16', 'subgroups'] as GPUFeatureName[],
    requiredLimits: { ...({ maxImmediateSize: 64 } as Record<string, number>) },
  });
  // Dawn's root object must outlive the device, or the process aborts.
  Object.assign(device, { keepGpu: gpu });
  return { device, subgroupMaxSize: adapter.info.subgroupMaxSize };
}
