import type { Dispatch, Plan } from '@initlab/kernels';
import { OpError, OutOfMemoryError } from '../checks/errors.js';
import type { BufferPool, BufferRegion } from './buffer-pool.js';
import { checkDispatch, type DispatchLimits } from './check-dispatch.js';
import type { Faults } from './faults.js';
import type { Pipeline, PipelineCache } from './pipelines.js';
import type { Profiler } from './profiler.js';
import { ScalarRing } from './scalar-ring.js';

/** Dispatches encoded before a submission is made without being asked: enough to amortise it, few enough to start early. */
const batchSize = 256;

/** A dispatch with everything looked up: what a compiled step replays. */
export interface PreparedDispatch {
  readonly pipeline: Pipeline;
  /** @internal */
  readonly group: GPUBindGroup;
  readonly scalars: ArrayBuffer;
  readonly workgroups: readonly [number, number, number];
  /** Kernel and op, for the profile. */
  readonly kernel: string;
  readonly op: string;
  readonly bytes: number;
  readonly flops: number;
}
type ImmediatePass = { setImmediates(offset: number, data: ArrayBuffer): void };

/** Encodes dispatches and copies in order into one command buffer at a time; the only writer of the device's queue. */
export class CommandStream {
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private encoded = 0;
  private readonly ring: ScalarRing;
  /** Set while `profile` runs: every dispatch then gets a pass of its own with timestamps. */
  profiler: Profiler | undefined;
  /** Dispatches encoded since the device was opened. */
  dispatches = 0;
  /** Submissions since the device was opened. */
  submissions = 0;
  /** Why nothing may be submitted any more (lost device). */
  dead = false;

  /** @internal */
  constructor(
    private readonly device: GPUDevice,
    private readonly pool: BufferPool,
    private readonly pipelines: PipelineCache,
    private readonly faults: Faults,
    private readonly immediates: boolean,
    private readonly limits: DispatchLimits,
  ) {
    this.ring = new ScalarRing(device, pipelines.scalarLayout);
  }

  /**
   * Encode a plan: all of it, or nothing where a part of it is refused. Temporaries come from the pool and go back at once: the
   * queue keeps the order.
   */
  run(plan: Plan, slots: ReadonlyMap<string, BufferRegion>, op: string): void {
    const scratch = new Map<string, BufferRegion>();
    try {
      for (const t of plan.temporaries) scratch.set(t.slot, this.pool.take(t.bytes, `${op} scratch`));
      const regionOf = (slot: string): BufferRegion | undefined => slots.get(slot) ?? scratch.get(slot);
      const prepared = plan.dispatches.map((dispatch) => this.prepare(dispatch, regionOf, op));
      for (const dispatch of prepared) this.encode(dispatch);
    } finally {
      for (const region of scratch.values()) this.pool.give(region);
    }
  }

  /** Look up the pipeline and make the bind group of a dispatch. Throws what is wrong with it: nothing is encoded then. */
  prepare(dispatch: Dispatch, regionOf: (slot: string) => BufferRegion | undefined, op: string): PreparedDispatch {
    const entries = dispatch.slots.map((slot, binding) => {
      const part = typeof slot === 'string' ? { slot, offset: 0, bytes: undefined } : slot;
      const region = regionOf(part.slot);
      if (!region) throw new Error(`${op}: kernel ${dispatch.kernel.name} binds slot ${part.slot}, which the op does not have`);
      this.pool.check(region.buffer);
      const size = Math.ceil((part.bytes ?? region.size) / 16) * 16;
      return { binding, resource: { buffer: region.buffer, offset: region.offset + part.offset, size } };
    });
    checkDispatch(op, dispatch, entries, this.limits);
    const pipeline = this.pipelines.get(dispatch.kernel);
    const { made: group, refused } = this.faults.heardIn(() => this.device.createBindGroup({ layout: pipeline.buffers, entries }));
    if (refused) throw new OpError(op, `the GPU driver refused kernel ${dispatch.kernel.name}: ${refused.message}`);
    const { scalars, workgroups, flops = 0, seldom = [] } = dispatch;
    const bytes = entries.reduce((sum, { binding, resource }) => (seldom.includes(binding) ? sum : sum + resource.size), 0);
    return { pipeline, group, scalars, workgroups, kernel: dispatch.kernel.name, op, bytes, flops };
  }

  encode(d: PreparedDispatch): void {
    if (this.encoded >= batchSize || this.ring.full) this.flush();
    const pass = this.profiler ? this.timedPass(d, this.profiler) : this.openPass();
    pass.setPipeline(d.pipeline.pipeline);
    pass.setBindGroup(0, d.group);
    if (d.scalars.byteLength > 0) {
      if (this.immediates) (pass as unknown as ImmediatePass).setImmediates(0, d.scalars);
      else pass.setBindGroup(1, this.ring.group, [this.ring.push(d.scalars)]);
    }
    const [x, y, z] = d.workgroups;
    pass.dispatchWorkgroups(x, y, z);
    this.encoded++;
    this.dispatches++;
    if (this.profiler) this.closePass();
  }

  /** Encode a whole replayed step and submit it. */
  replay(list: readonly PreparedDispatch[]): void {
    for (const dispatch of list) this.encode(dispatch);
    this.flush();
  }

  copy(from: BufferRegion, to: BufferRegion, bytes: number): void {
    this.openEncoder().copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, Math.ceil(bytes / 4) * 4);
    this.encoded++;
  }

  /** Upload. What was encoded before is submitted first, since uploads take effect in queue order. */
  write(region: BufferRegion, data: Uint8Array<ArrayBuffer>): void {
    this.flush();
    if (!this.dead) this.device.queue.writeBuffer(region.buffer, region.offset, data);
  }

  /** Copy bytes to host memory; everything encoded before is done by then. */
  async read(region: BufferRegion, bytes: number): Promise<ArrayBuffer> {
    this.pool.check(region.buffer);
    const size = Math.ceil(bytes / 4) * 4;
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const { made: staging, refused } = this.faults.heardIn(() => this.device.createBuffer({ label: 'readback', size, usage }));
    if (refused) throw new OutOfMemoryError(`out of memory: a read of ${bytes} bytes was refused: ${refused.message}`);
    try {
      this.openEncoder().copyBufferToBuffer(region.buffer, region.offset, staging, 0, size);
      this.flush();
      await staging.mapAsync(GPUMapMode.READ);
      return staging.getMappedRange().slice(0);
    } finally {
      staging.destroy();
    }
  }

  /** Submit what is encoded. */
  flush(): void {
    this.closePass();
    const { encoder } = this;
    if (!encoder) return;
    this.encoder = undefined;
    this.encoded = 0;
    this.profiler?.resolve(encoder);
    if (this.dead) return;
    const { refused } = this.faults.heardIn(() => {
      this.ring.upload();
      this.device.queue.submit([encoder.finish()]);
    });
    this.submissions++;
    if (refused) this.faults.report(refused, this.submissions);
    this.faults.submitted(this.submissions);
  }

  private openEncoder(): GPUCommandEncoder {
    this.closePass();
    this.encoder ??= this.device.createCommandEncoder();
    return this.encoder;
  }

  private openPass(): GPUComputePassEncoder {
    if (!this.pass) this.pass = this.openEncoder().beginComputePass();
    return this.pass;
  }

  private timedPass(d: PreparedDispatch, profiler: Profiler): GPUComputePassEncoder {
    if (profiler.full) this.flush();
    this.pass = this.openEncoder().beginComputePass({ timestampWrites: profiler.stamp(d) });
    return this.pass;
  }

  private closePass(): void {
    this.pass?.end();
    this.pass = undefined;
  }
}
