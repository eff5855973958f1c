import { AdapterKernels, type Caps, type Plan, type SubgroupMatrixConfig, type Target } from '@initlab/kernels';
import * as planners from '@initlab/kernels/adapter-kernels';
import { create, globals } from 'webgpu';
import { restUntil } from '../../packages/core/src/gpu/rest.js';

/**
 * Runs plans straight on Dawn, without core: kernel tests depend on nothing but the kernel.
 * Driver variables (VK_DRIVER_FILES, LP_NATIVE_VECTOR_WIDTH) are the caller's.
 */
Object.assign(globalThis, globals);

export interface RawGpu {
  readonly device: GPUDevice;
  readonly target: Target;
  run(plan: Plan, inputs: Record<string, ArrayBufferView>, outputs: Record<string, number>): Promise<Record<string, ArrayBuffer>>;
  /** Seconds of `repeats` runs of the plan back to back after one warm-up, wall time with one wait at the end. */
  time(plan: Plan, buffers: Record<string, number>, repeats: number): Promise<number>;
}

export async function openRawGpu(overrides: Partial<Target> = {}): Promise<RawGpu> {
  const gpu = create(['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia']);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('no WebGPU adapter: set VK_DRIVER_FILES and XDG_RUNTIME_DIR');
  const wanted = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];
  const l = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((f) => adapter.features.has(f)),
    requiredLimits: {
      maxStorageBuffersPerShaderStage: l.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: l.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: l.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: l.maxComputeWorkgroupSizeX,
      maxStorageBufferBindingSize: l.maxStorageBufferBindingSize,
      maxBufferSize: l.maxBufferSize,
      ...({ maxImmediateSize: 64 } as Record<string, number>),
    },
  });
  Object.assign(device, { keepGpu: gpu });
  const info = adapter.info as GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };
  const caps: Caps = {
    adapter: `${info.vendor} ${info.architecture} ${info.device}`.trim(),
    software: info.architecture === 'software' || /llvmpipe|swiftshader/i.test(`${info.device} ${info.description} ${info.architecture}`),
    f16: device.features.has('shader-f16'),
    subgroups: device.features.has('subgroups'),
    subgroupMinSize: info.subgroupMinSize,
    subgroupMaxSize: info.subgroupMaxSize,
    subgroupMatrix: [...(info.subgroupMatrixConfigs ?? [])],
    immediates: true,
    maxWorkgroupStorage: l.maxComputeWorkgroupStorageSize,
    maxInvocations: l.maxComputeInvocationsPerWorkgroup,
    maxWorkgroups: l.maxComputeWorkgroupsPerDimension,
    maxStorageBuffers: l.maxStorageBuffersPerShaderStage,
    maxStorageBinding: l.maxStorageBufferBindingSize,
    maxUniformBinding: l.maxUniformBufferBindingSize,
  };
  const target: Target = { ...caps, bake: false, adapterKernels: new AdapterKernels(planners), ...overrides };
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST | GPUBufferUsage.UNIFORM;
  const buffer = (bytes: number) => device.createBuffer({ size: Math.max(16, Math.ceil(bytes / 16) * 16), usage });
  const pipelines = new Map<string, { pipeline: GPUComputePipeline; layouts: GPUBindGroupLayout[] }>();

  const pipelineOf = async (kernel: Plan['dispatches'][number]['kernel']) => {
    const known = pipelines.get(kernel.name);
    if (known) return known;
    const code = kernel.source();
    const module = device.createShaderModule({ code, label: kernel.name });
    const messages = (await module.getCompilationInfo()).messages.filter((m) => m.type === 'error');
    if (messages.length > 0) throw new Error(`${kernel.name}: ${messages.map((m) => `${m.lineNum}: ${m.message}`).join('\n')}\n${code}`);
    const layouts = [
      device.createBindGroupLayout({
        entries: kernel.bindings.map((access, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: access === 'uniform' ? 'uniform' : access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      }),
    ];
    const uniformScalars = kernel.scalarBytes > 0 && !target.immediates;
    if (uniformScalars)
      layouts.push(
        device.createBindGroupLayout({ entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform' } }] }),
      );
    const layout = device.createPipelineLayout({
      bindGroupLayouts: layouts,
      ...({ immediateSize: uniformScalars ? 0 : kernel.scalarBytes } as object),
    });
    const made = {
      pipeline: await device.createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main' }, label: kernel.name }),
      layouts,
    };
    pipelines.set(kernel.name, made);
    return made;
  };

  const encode = async (plan: Plan, buffers: Map<string, GPUBuffer>, encoder: GPUCommandEncoder) => {
    const pass = encoder.beginComputePass();
    for (const d of plan.dispatches) {
      const { pipeline, layouts } = await pipelineOf(d.kernel);
      pass.setPipeline(pipeline);
      const entries = d.slots.map((slot, binding) => {
        const part = typeof slot === 'string' ? { slot, offset: 0, bytes: undefined } : slot;
        const found = buffers.get(part.slot);
        if (!found) throw new Error(`${d.kernel.name}: no buffer for slot ${part.slot}`);
        return { binding, resource: { buffer: found, offset: part.offset, ...(part.bytes ? { size: part.bytes } : {}) } };
      });
      pass.setBindGroup(0, device.createBindGroup({ layout: layouts[0] as GPUBindGroupLayout, entries }));
      if (d.kernel.scalarBytes > 0 && target.immediates)
        (pass as unknown as { setImmediates(o: number, d: Uint8Array): void }).setImmediates(0, new Uint8Array(d.scalars));
      else if (d.kernel.scalarBytes > 0) {
        const scalars = buffer(64);
        device.queue.writeBuffer(scalars, 0, d.scalars);
        pass.setBindGroup(
          1,
          device.createBindGroup({ layout: layouts[1] as GPUBindGroupLayout, entries: [{ binding: 0, resource: { buffer: scalars } }] }),
        );
      }
      pass.dispatchWorkgroups(...(d.workgroups as [number, number, number]));
    }
    pass.end();
  };
  const failIfAny = async (error: Promise<GPUError | null>) => {
    const found = await error;
    if (found) throw new Error(found.message);
  };

  return {
    device,
    target,
    async run(plan, inputs, outputs) {
      device.pushErrorScope('validation');
      const buffers = new Map<string, GPUBuffer>();
      for (const [slot, data] of Object.entries(inputs)) {
        const made = buffer(data.byteLength);
        device.queue.writeBuffer(made, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
        buffers.set(slot, made);
      }
      for (const [slot, bytes] of Object.entries(outputs)) if (!buffers.has(slot)) buffers.set(slot, buffer(bytes));
      for (const t of plan.temporaries) buffers.set(t.slot, buffer(t.bytes));
      const encoder = device.createCommandEncoder();
      await encode(plan, buffers, encoder);
      const staging: [string, GPUBuffer, number][] = [];
      for (const [slot, bytes] of Object.entries(outputs)) {
        const size = Math.ceil(bytes / 4) * 4;
        const target = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
        encoder.copyBufferToBuffer(buffers.get(slot) as GPUBuffer, 0, target, 0, size);
        staging.push([slot, target, bytes]);
      }
      device.queue.submit([encoder.finish()]);
      await failIfAny(device.popErrorScope());
      const result: Record<string, ArrayBuffer> = {};
      for (const [slot, from, bytes] of staging) {
        await restUntil(from.mapAsync(GPUMapMode.READ));
        result[slot] = from.getMappedRange().slice(0, bytes);
        from.destroy();
      }
      for (const b of buffers.values()) b.destroy();
      return result;
    },
    async time(plan, sizes, repeats) {
      device.pushErrorScope('validation');
      const buffers = new Map<string, GPUBuffer>();
      for (const [slot, bytes] of Object.entries(sizes)) buffers.set(slot, buffer(bytes));
      for (const t of plan.temporaries) buffers.set(t.slot, buffer(t.bytes));
      const go = async (count: number) => {
        const encoder = device.createCommandEncoder();
        for (let i = 0; i < count; i++) await encode(plan, buffers, encoder);
        const start = performance.now();
        device.queue.submit([encoder.finish()]);
        await restUntil(device.queue.onSubmittedWorkDone());
        return (performance.now() - start) / 1e3;
      };
      await go(1);
      await failIfAny(device.popErrorScope());
      const seconds = await go(repeats);
      for (const b of buffers.values()) b.destroy();
      return seconds;
    },
  };
}
