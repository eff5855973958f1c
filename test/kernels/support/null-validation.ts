import type { Plan } from '@initlab/kernels';
import { openNullGpu } from '../../support/null-gpu.js';
import { usesMatrices } from './matrix-emulation.js';

export interface NullValidation {
  /** Kernels seen, by name, and what of them could only be checked as a module. */
  readonly seen: Set<string>;
  readonly piped: Set<string>;
  /** Checks the plan's kernels on matrix units that were not seen yet; says what the compiler said. */
  check(plan: Plan): Promise<string[]>;
}

/**
 * Compiles kernels on Dawn's null backend. A pipeline is made where the workgroup is a multiple of that device's widest
 * subgroup and not too large, and binds no more than the device can. Its 16 KiB are less than many tiles need: those are declared smaller, since nothing runs.
 */
export async function openNullValidation(): Promise<NullValidation> {
  const { device, subgroupMaxSize } = await openNullGpu();
  const seen = new Set<string>();
  const piped = new Set<string>();
  return {
    seen,
    piped,
    async check(plan) {
      const said: string[] = [];
      for (const { kernel } of plan.dispatches) {
        if (seen.has(kernel.name)) continue;
        seen.add(kernel.name);
        if (!usesMatrices(kernel)) continue;
        const source = kernel.source();
        const threads = Number(/@workgroup_size\((\d+)\)/.exec(source)?.[1]);
        const bindable = kernel.bindings.length <= device.limits.maxStorageBuffersPerShaderStage;
        const pipes = bindable && threads % subgroupMaxSize === 0 && threads <= device.limits.maxComputeInvocationsPerWorkgroup;
        device.pushErrorScope('validation');
        const code = pipes ? shrink(source, device.limits.maxComputeWorkgroupStorageSize) : source;
        const module = device.createShaderModule({ code });
        const { messages } = await module.getCompilationInfo();
        said.push(...messages.map((m) => `${kernel.name}: ${m.type} ${m.lineNum}: ${m.message}`));
        if (pipes)
          try {
            const layout = pipelineLayout(device, kernel);
            await device.createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main' } });
            piped.add(kernel.name);
          } catch (error) {
            said.push(`${kernel.name}: ${(error as Error).message}`);
          }
        const error = await device.popErrorScope();
        if (error) said.push(`${kernel.name}: ${error.message}`);
      }
      return said;
    },
  };
}

/** The source with less workgroup memory than it needs: results keep a strip of theirs, operands get what is left. */
function shrink(source: string, bytes: number): string {
  const length = (name: string): number => Number(new RegExp(`var<workgroup> ${name}: array<.*, (\\d+)>;`).exec(source)?.[1] ?? 0);
  const strips = Math.min(length('strips'), 2000);
  const left = bytes - length('rowStart') * 8 - length('shares') * 48 - strips * 4;
  const memory = Math.min(length('memory'), Math.floor(left / (source.includes('memory: array<f16') ? 2 : 16)));
  return source.replace(/(memory: array<.*, )\d+/, `$1${memory}`).replace(/(strips: array<.*, )\d+/, `$1${strips}`);
}

function pipelineLayout(device: GPUDevice, kernel: Plan['dispatches'][number]['kernel']): GPUPipelineLayout {
  const layout = device.createBindGroupLayout({
    entries: kernel.bindings.map((access, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: access === 'uniform' ? 'uniform' : access === 'read' ? 'read-only-storage' : 'storage' },
    })),
  });
  return device.createPipelineLayout({ bindGroupLayouts: [layout], ...({ immediateSize: kernel.scalarBytes } as object) });
}
