import type { BindingAccess, Kernel } from '@initlab/kernels';
import { DeviceError } from '../checks/errors.js';
import { getOrMake } from '../get-or-make.js';
import type { Faults } from './faults.js';

export interface Pipeline {
  /** @internal */
  readonly pipeline: GPUComputePipeline;
  /** @internal */
  readonly buffers: GPUBindGroupLayout;
}

/** Pipelines by kernel name, with explicit layouts shared by access pattern. */
export class PipelineCache {
  private readonly made = new Map<string, Pipeline>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly pending = new Map<string, Promise<void>>();
  /** @internal */
  readonly scalarLayout: GPUBindGroupLayout;

  /** @internal */
  constructor(
    private readonly device: GPUDevice,
    private readonly faults: Faults,
    private readonly immediates: boolean,
  ) {
    this.scalarLayout = device.createBindGroupLayout({
      label: 'scalars',
      entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } }],
    });
  }

  /** The pipeline of a kernel, created at once when it is new. */
  get(kernel: Kernel): Pipeline {
    const known = this.made.get(kernel.name);
    if (known) return known;
    const create = (): Pipeline => {
      const { descriptor, buffers } = this.describe(kernel);
      return { pipeline: this.device.createComputePipeline(descriptor), buffers };
    };
    const { made, refused } = this.faults.heardOf(create, 'validation', ({ message }) => {
      this.made.delete(kernel.name);
      this.faults.report(() => uncompiled(kernel, message));
    });
    if (refused) throw uncompiled(kernel, refused.message);
    this.made.set(kernel.name, made);
    return made;
  }

  /** Create the pipelines of many kernels in parallel. */
  async prepare(kernels: Iterable<Kernel>): Promise<void> {
    const waits: Promise<void>[] = [];
    for (const kernel of kernels) {
      if (this.made.has(kernel.name)) continue;
      waits.push(getOrMake(this.pending, kernel.name, (name) => this.create(kernel).finally(() => this.pending.delete(name))));
    }
    await Promise.all(waits);
  }

  private async create(kernel: Kernel): Promise<void> {
    // An error of the module belongs to this kernel alone, not to the device as those that nobody caught.
    this.device.pushErrorScope('validation');
    const { descriptor, buffers } = this.describe(kernel);
    const faulty = this.device.popErrorScope();
    try {
      const error = await faulty;
      if (error) throw uncompiled(kernel, error.message);
      this.made.set(kernel.name, { pipeline: await this.device.createComputePipelineAsync(descriptor), buffers });
    } catch (cause) {
      throw cause instanceof DeviceError ? cause : uncompiled(kernel, cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  private describe(kernel: Kernel): { descriptor: GPUComputePipelineDescriptor; buffers: GPUBindGroupLayout } {
    const buffers = this.layoutOf(kernel.bindings);
    // Without immediates scalars come through a uniform buffer, in group 1.
    const uniformScalars = kernel.scalarBytes > 0 && !this.immediates;
    const layout = this.device.createPipelineLayout({
      label: kernel.name,
      bindGroupLayouts: uniformScalars ? [buffers, this.scalarLayout] : [buffers],
      // Not in the published types yet: WebGPU immediates.
      ...({ immediateSize: this.immediates ? kernel.scalarBytes : 0 } as object),
    });
    const module = this.device.createShaderModule({ code: kernel.source(), label: kernel.name });
    return { descriptor: { label: kernel.name, layout, compute: { module, entryPoint: 'main' } }, buffers };
  }

  private layoutOf(bindings: readonly BindingAccess[]): GPUBindGroupLayout {
    const types: Record<BindingAccess, GPUBufferBindingType> = { read: 'read-only-storage', readWrite: 'storage', uniform: 'uniform' };
    const entries = bindings.map((access, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type: types[access] } }));
    return getOrMake(this.layouts, bindings.join(), (label) => this.device.createBindGroupLayout({ label, entries }));
  }
}

const uncompiled = (kernel: Kernel, why: string, cause?: unknown): DeviceError =>
  new DeviceError(`kernel ${kernel.name} does not compile on this device: ${why}`, { cause });
