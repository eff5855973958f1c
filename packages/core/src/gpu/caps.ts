import type { Caps, SubgroupMatrixConfig } from '@initlab/kernels';

type AdapterInfo = GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };

/** Optional features a device is asked for when the adapter has them. */
export const wantedFeatures = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix'] as const;

/** Limits raised to what the adapter offers; the others keep WebGPU's defaults. */
const raisedLimits = [
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxUniformBufferBindingSize',
  'maxBufferSize',
] as const;

/** @internal */
export function requestedLimits(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name of raisedLimits) limits[name] = adapter.limits[name];
  if (immediateBytes(adapter) >= 64) limits.maxImmediateSize = 64;
  return limits;
}

const immediateBytes = (adapter: GPUAdapter): number => (adapter.limits as unknown as { maxImmediateSize?: number }).maxImmediateSize ?? 0;

/**
 * Runs on the CPU: Mesa's lavapipe (llvmpipe), SwiftShader, or what calls itself software.
 * @internal
 */
function isSoftware(info: GPUAdapterInfo): boolean {
  return /llvmpipe|lavapipe|swiftshader|software|\bcpu\b/i.test(`${info.vendor} ${info.architecture} ${info.device} ${info.description}`);
}

/** wgpu puts PCI numbers where names belong. */
const named = (text: string): string => (/^\d+$/.test(text) ? '' : text);

/** @internal */
export function readCaps(adapter: GPUAdapter, device: GPUDevice, languageFeatures: ReadonlySet<string>): Caps {
  const info = adapter.info as AdapterInfo;
  const { limits } = device;
  const matrix = device.features.has('chromium-experimental-subgroup-matrix' as GPUFeatureName);
  return {
    adapter:
      [named(info.vendor), info.architecture, named(info.device) || info.description].filter(Boolean).join(' ').trim() || 'unknown adapter',
    software: isSoftware(info),
    f16: device.features.has('shader-f16'),
    subgroups: device.features.has('subgroups'),
    subgroupMinSize: info.subgroupMinSize ?? 4,
    subgroupMaxSize: info.subgroupMaxSize ?? 128,
    subgroupMatrix: matrix ? [...(info.subgroupMatrixConfigs ?? [])] : [],
    immediates: languageFeatures.has('immediate_address_space') && immediateBytes(adapter) >= 64,
    maxWorkgroupStorage: limits.maxComputeWorkgroupStorageSize,
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroups: limits.maxComputeWorkgroupsPerDimension,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
    maxStorageBinding: limits.maxStorageBufferBindingSize,
    maxUniformBinding: limits.maxUniformBufferBindingSize,
  };
}
