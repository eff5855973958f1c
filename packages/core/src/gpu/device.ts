import { type Caps, type Kernel, type Target, type TunedTable, tunedTables } from '@initlab/kernels';
import { DeviceError, OutOfMemoryError } from '../errors.js';
import type { Holder } from '../leak-report.js';
import { BufferPool, type BufferRegion } from './buffer-pool.js';
import { readCaps, requestedLimits, wantedFeatures } from './caps.js';
import { CommandStream } from './command-stream.js';
import { destroyAtExit } from './destroy-at-exit.js';
import { type FindGpuOptions, findGpu, noAdapterAdvice } from './find-gpu.js';
import { PipelineCache } from './pipelines.js';
import { Profiler, type ProfileRow } from './profiler.js';
import { restUntil } from './rest.js';

/** Options of `openDevice`. */
export interface DeviceOptions extends FindGpuOptions {
  /** Name shown in errors; default `gpu0`, `gpu1`, … */
  readonly label?: string;
  /** Bytes of GPU memory the library may hold; default: whatever the driver gives. */
  readonly memoryLimit?: number;
  /** Kernel variants measured on an adapter, by problem (what `initlab tune` finds), on top of the table shipped for it. */
  readonly tuned?: TunedTable | ((adapter: string) => Promise<TunedTable>);
  /** Changes to what planners are told (tests: `immediates: false`, `reference: true`). */
  readonly target?: Partial<Target>;
  readonly powerPreference?: 'low-power' | 'high-performance';
}

let opened = 0;
let fallback: Device | undefined;

/**
 * One GPU with its memory, queue and pipelines. Several may be open in one process; the first is the default for new
 * tensors. Errors the driver reports asynchronously surface at the next readback or `sync`.
 */
export class Device {
  readonly label: string;
  readonly pool: BufferPool;
  readonly pipelines: PipelineCache;
  readonly commands: CommandStream;
  /** What is alive now, for leak reports and out-of-memory errors. */
  readonly holders = new Set<Holder>();
  /** What planners of eager ops see. */
  readonly target: Target;
  private failure: Error | undefined;
  private closed = false;

  private constructor(
    private readonly gpu: GPUDevice,
    /** Dawn's root object must outlive the device, or the process aborts. */
    private readonly root: GPU,
    readonly caps: Caps,
    /** What the browser or Dawn says of the adapter, which may be nothing. */
    readonly adapterInfo: { readonly vendor: string; readonly architecture: string; readonly device: string; readonly description: string },
    tuned: TunedTable,
    options: DeviceOptions,
  ) {
    this.label = options.label ?? `gpu${opened}`;
    opened++;
    this.target = { ...caps, bake: false, tuned: new Map(Object.entries(tuned)), ...options.target };
    this.pool = new BufferPool(
      (size, label) => this.createBuffer(size, label),
      options.memoryLimit ?? Number.POSITIVE_INFINITY,
      gpu.limits.maxBufferSize,
      () => this.describeHolders(),
      () => this.commands.flush(),
    );
    this.pipelines = new PipelineCache(gpu, this.target.immediates);
    this.commands = new CommandStream(gpu, this.pool, this.pipelines, this.target.immediates, caps.maxStorageBinding);
    destroyAtExit(gpu);
    gpu.addEventListener('uncapturederror', (event) => this.fail((event as GPUUncapturedErrorEvent).error.message));
    void gpu.lost.then((info) => {
      this.commands.dead = true;
      if (!this.closed)
        this.failure = new DeviceError(
          `the GPU device ${this.label} was lost (${info.reason}): ${info.message}; open a new device and resume from a checkpoint`,
        );
    });
  }

  /** Open a device. Throws `DeviceError` with advice when there is no adapter. */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const root = await findGpu(options);
    const adapter = await root.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
    if (!adapter) throw new DeviceError(noAdapterAdvice);
    const features = (wantedFeatures as readonly string[]).filter((f) => adapter.features.has(f)) as GPUFeatureName[];
    const gpu = await adapter.requestDevice({ requiredFeatures: features, requiredLimits: requestedLimits(adapter) });
    const language = (root as GPU & { wgslLanguageFeatures?: ReadonlySet<string> }).wgslLanguageFeatures ?? new Set<string>();
    const caps = readCaps(adapter, gpu, language);
    const own = typeof options.tuned === 'function' ? await options.tuned(caps.adapter) : options.tuned;
    const device = new Device(gpu, root, caps, adapter.info, { ...tunedTables[caps.adapter], ...own }, options);
    fallback ??= device;
    return device;
  }

  /** Features and limits as the driver states them (for `initlab doctor`). */
  get facts(): { features: string[]; limits: Record<string, number> } {
    const limits: Record<string, number> = {};
    for (const name in this.gpu.limits) {
      const value = this.gpu.limits[name as keyof GPUSupportedLimits];
      if (typeof value === 'number') limits[name] = value;
    }
    return { features: [...this.gpu.features].sort(), limits };
  }

  /** Live, pooled and peak bytes of GPU memory. */
  get memory(): BufferPool['usage'] {
    return this.pool.usage;
  }

  /** Throws when the device is lost, closed or has reported an error. */
  checkUsable(what: string): void {
    if (this.closed) throw new DeviceError(`${what}: the device ${this.label} was closed`);
    if (this.failure) throw this.failure;
  }

  /** Wait until everything asked for so far has run. */
  async sync(): Promise<void> {
    this.commands.flush();
    await this.waitFor(this.gpu.queue.onSubmittedWorkDone());
    this.checkUsable('sync');
  }

  /** A promise of the driver, waited for without taking the processor from a driver that runs on it. */
  private waitFor<T>(promise: Promise<T>): Promise<T> {
    return this.caps.software ? restUntil(promise) : promise;
  }

  async readRegion(region: BufferRegion, bytes: number): Promise<ArrayBuffer> {
    try {
      const data = await this.waitFor(this.commands.read(region, bytes));
      this.checkUsable('read');
      return data;
    } catch (error) {
      this.checkUsable('read');
      throw error;
    }
  }

  /** Create the pipelines of many kernels side by side. */
  preparePipelines(kernels: Iterable<Kernel>): Promise<void> {
    return this.waitFor(this.pipelines.prepare(kernels));
  }

  writeRegion(region: BufferRegion, data: Uint8Array<ArrayBuffer>): void {
    this.commands.write(region, data);
  }

  /** Run `body` with every dispatch timed. Needs the adapter's `timestamp-query`. */
  async profile(body: () => void | Promise<void>): Promise<ProfileRow[]> {
    if (!this.gpu.features.has('timestamp-query')) throw new DeviceError('profile: this adapter has no timestamp queries');
    this.commands.flush();
    const profiler = new Profiler(this.gpu);
    this.commands.profiler = profiler;
    try {
      await body();
      this.commands.flush();
    } finally {
      this.commands.profiler = undefined;
    }
    return this.waitFor(profiler.rows());
  }

  /** Bytes and count of live storages by the op that made them, largest first. */
  holderReport(): { label: string; count: number; bytes: number }[] {
    const sums = new Map<string, { label: string; count: number; bytes: number }>();
    for (const { label, bytes } of this.holders) {
      const sum = sums.get(label) ?? { label, count: 0, bytes: 0 };
      sum.count++;
      sum.bytes += bytes;
      sums.set(label, sum);
    }
    return [...sums.values()].sort((a, b) => b.bytes - a.bytes);
  }

  /** Release everything. Tensors of this device are unusable afterwards. */
  close(): void {
    if (this.closed) return;
    this.commands.flush();
    this.closed = true;
    this.commands.dead = true;
    this.gpu.destroy();
    for (const holder of this.holders) holder.settled = true;
    if (fallback === this) fallback = undefined;
  }

  /** Internal, for tests of the lost-device path: make the driver drop the device. */
  simulateLoss(): Promise<unknown> {
    this.gpu.destroy();
    return this.gpu.lost.then(() => void this.root);
  }

  private createBuffer(size: number, label: string): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    this.gpu.pushErrorScope('out-of-memory');
    const buffer = this.gpu.createBuffer({ label, size, usage });
    void this.gpu.popErrorScope().then(
      (error) => {
        if (!error) return;
        this.failure ??= new OutOfMemoryError(
          `out of GPU memory: ${label} asked for ${size} bytes and the driver refused. Largest holders:\n${this.describeHolders()}`,
        );
      },
      () => undefined,
    );
    return buffer;
  }

  private describeHolders(): string {
    const rows = this.holderReport().slice(0, 8);
    const lines = rows.map((r) => `  ${r.label}: ${r.count} tensors, ${(r.bytes / 2 ** 20).toFixed(1)} MiB`);
    return [
      ...(rows.length > 0 ? lines : ['  (none)']),
      'Tensors live until dispose(): make what a step needs inside scope(() => …).',
    ].join('\n');
  }

  private fail(message: string): void {
    // Kept for the next sync or read; a driver's message often comes in several parts, the first is the cause.
    this.failure ??= new DeviceError(`the GPU driver reported: ${message}`);
  }
}

/** Open a device; the first one opened becomes the default for new tensors. */
export const openDevice = (options?: DeviceOptions): Promise<Device> => Device.open(options);

/** The default device. Throws when none is open. */
export function defaultDevice(): Device {
  if (!fallback) throw new DeviceError('no device is open: call `await openDevice()` first, or pass { device }');
  return fallback;
}

/** Make `device` the default for new tensors. */
export function setDefaultDevice(device: Device): void {
  fallback = device;
}
