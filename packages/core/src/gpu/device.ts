import type { Caps, Kernel, Target } from '@initlab/kernels';
import { checkDevice, checkNumber, checkOptions } from '../checks/check-arguments.js';
import { DeviceError, InitlabError, OutOfMemoryError } from '../checks/errors.js';
import { BufferPool, type BufferRegion } from './buffer-pool.js';
import { readCaps, requestedLimits, wantedFeatures } from './caps.js';
import { CommandStream } from './command-stream.js';
import { Faults } from './faults.js';
import { browserGpu, findGpu, noAdapterAdvice } from './find-gpu.js';
import { describeHolders, forget, type Holder, type HolderRow, holderRows, type MakerRow } from './holders.js';
import type { FindGpuOptions } from './no-dawn.js';
import type { AddressRoom } from './no-node.js';
import { nodeHost } from './node.js';
import { PipelineCache } from './pipelines.js';
import { type ProfileRow, Profiler } from './profiler.js';
import { type TargetOptions, targetOf } from './target.js';

/** Options of `openDevice`. */
export interface DeviceOptions extends FindGpuOptions, TargetOptions {
  /** Name shown in errors; default `gpu0`, `gpu1`, … */
  readonly label?: string;
  /** Bytes of GPU memory the library may hold; default: whatever the driver gives. */
  readonly memoryLimit?: number;
  readonly powerPreference?: 'low-power' | 'high-performance';
}

let opened = 0;
let fallback: Device | undefined;

/** How long a wait that failed looks out for the loss of its device, in milliseconds: a driver may tell that after it. */
const lossIsTold = 200;

/**
 * One GPU with its memory, queue and pipelines. Several may be open in one process; the first is the default for new
 * tensors. An error that the driver reports later than the call which caused it is thrown by the reads and `sync`s under way
 * or, where there are none, by the next; the device then goes on. One that is lost or closed is not usable any more.
 */
export class Device {
  readonly label: string;
  /** Dawn's null backend: it plans and compiles. */
  private readonly runsNothing: boolean;
  readonly pool: BufferPool;
  readonly pipelines: PipelineCache;
  readonly commands: CommandStream;
  /** What is alive now, for leak reports and out-of-memory errors. */
  readonly holders = new Set<Holder>();
  /** What the collector gave back, by maker: see `leakReport`. */
  readonly dropped = new Map<string, MakerRow>();
  private readonly faults: Faults;
  private readonly room: AddressRoom;
  /** Why it was lost. */
  private lost: string | undefined;
  private closed = false;
  private readonly forget: (() => void)[] = [];

  private constructor(
    private readonly gpu: GPUDevice,
    /** Dawn's root object must outlive the device, or the process aborts. */
    private readonly root: GPU,
    readonly caps: Caps,
    /** What the browser or Dawn says of the adapter, which may be nothing. */
    readonly adapterInfo: { readonly vendor: string; readonly architecture: string; readonly device: string; readonly description: string },
    /** What planners of eager ops see. */
    readonly target: Target,
    options: DeviceOptions,
  ) {
    if (options === undefined) throw new DeviceError('Device: openDevice() makes one, and waits for the adapter');
    this.label = options.label ?? `gpu${opened}`;
    this.runsNothing = options.dawnOptions?.includes('backend=null') === true;
    opened++;
    this.room = nodeHost.addressRoom(caps.adapter);
    this.faults = new Faults(gpu, this.label, browserGpu() === undefined);
    this.pool = new BufferPool(
      (size, label) => this.createBuffer(size, label),
      options.memoryLimit ?? Number.POSITIVE_INFINITY,
      gpu.limits.maxBufferSize,
      () => describeHolders(this.holders),
      () => this.commands.flush(),
    );
    this.pipelines = new PipelineCache(gpu, this.faults, target.immediates);
    this.commands = new CommandStream(gpu, this.pool, this.pipelines, this.faults, target.immediates, {
      maxBinding: target.maxStorageBinding,
      maxWorkgroups: caps.maxWorkgroups,
      offsetAlignment: gpu.limits.minStorageBufferOffsetAlignment,
    });
    // What is planned may be larger than what it has; nothing of it is sent, then.
    this.commands.dead = this.runsNothing;
    this.listen();
  }

  private listen(): void {
    const { gpu, faults } = this;
    const uncaptured = (event: Event): void => faults.uncaptured(event as GPUUncapturedErrorEvent);
    gpu.addEventListener('uncapturederror', uncaptured);
    this.forget.push(
      // Dawn keeps a device that is listened to, and this object with it.
      () => gpu.removeEventListener('uncapturederror', uncaptured),
      nodeHost.destroyAtExit({ warn: () => faults.warn({ now: true }), destroy: () => gpu.destroy() }),
    );
    void gpu.lost.then(({ reason, message }) => {
      if (!this.closed)
        this.lost = `the GPU device ${this.label} was lost (${reason}): ${message}; open a new device and resume from a checkpoint`;
      this.end();
    });
  }

  /** Nothing runs on it from here on. */
  private end(): void {
    this.commands.dead = true;
    for (const undo of this.forget.splice(0)) undo();
    for (const holder of this.holders) forget(holder);
    if (fallback === this) fallback = undefined;
  }

  /** Open a device. Throws `DeviceError` with advice when there is no adapter. */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const root = await findGpu(options);
    const adapter = await root.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
    if (!adapter) throw new DeviceError(noAdapterAdvice());
    const features = (wantedFeatures as readonly string[]).filter((f) => adapter.features.has(f)) as GPUFeatureName[];
    const asked = { requiredFeatures: features, requiredLimits: requestedLimits(adapter) };
    const gpu = await adapter.requestDevice(asked).catch((cause) => {
      throw new DeviceError(`the adapter gave no device: ${cause instanceof Error ? cause.message : cause}`, { cause });
    });
    try {
      const language = (root as GPU & { wgslLanguageFeatures?: ReadonlySet<string> }).wgslLanguageFeatures ?? new Set<string>();
      const caps = readCaps(adapter, gpu, language);
      const device = new Device(gpu, root, caps, adapter.info, await targetOf(caps, options), options);
      fallback ??= device;
      return device;
    } catch (error) {
      gpu.destroy();
      throw error;
    }
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

  /** Throws when the device is lost or closed. */
  checkUsable(what: string): void {
    if (this.closed) throw new DeviceError(`${what}: the device ${this.label} was closed`);
    if (this.lost) throw new DeviceError(`${what}: ${this.lost}`);
  }

  /** Wait until everything asked for so far has run. */
  async sync(): Promise<void> {
    this.checkUsable('sync');
    this.commands.flush();
    await this.waitFor('sync', this.gpu.queue.onSubmittedWorkDone());
  }

  /**
   * A promise of the driver, waited for without taking the processor from a driver that runs on it. Throws `DeviceError` where
   * the device is gone by then, or has reported an error of work up to here.
   */
  private async waitFor<T>(what: string, promise: Promise<T>): Promise<T> {
    try {
      const value = await this.faults.during(this.caps.software ? nodeHost.restUntil(promise) : promise, this.commands.submissions);
      this.checkUsable(what);
      return value;
    } catch (error) {
      const ours = error instanceof InitlabError;
      if (!ours) await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, lossIsTold))]);
      this.checkUsable(what);
      if (ours) throw error;
      throw new DeviceError(`${what}: the GPU driver refused: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }

  /** For `JSON.stringify`, in place of its innards. */
  toJSON(): { device: string; adapter: string } {
    return { device: this.label, adapter: this.caps.adapter };
  }

  readRegion(region: BufferRegion, bytes: number): Promise<ArrayBuffer> {
    return this.waitFor('read', this.commands.read(region, bytes));
  }

  /** Create the pipelines of many kernels side by side. */
  preparePipelines(kernels: Iterable<Kernel>): Promise<void> {
    return this.waitFor('compile', this.pipelines.prepare(kernels));
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
    return this.waitFor('profile', profiler.rows());
  }

  /** Bytes and count of live storages by the op that made them, largest first. */
  holderReport(): HolderRow[] {
    return holderRows(this.holders);
  }

  /**
   * Bytes and count of tensors that were dropped without `dispose` since the device was opened and whose memory JavaScript's
   * collector gave back, by the op that made them, largest first.
   */
  leakReport(): HolderRow[] {
    return [...this.dropped.values()].map((row) => ({ ...row })).sort((a, b) => b.bytes - a.bytes);
  }

  /** Release everything. Tensors of this device are unusable afterwards. */
  close(): void {
    if (this.closed) return;
    this.commands.flush();
    this.faults.warn({ now: true });
    this.closed = true;
    this.end();
    this.gpu.destroy();
  }

  /** Internal, for tests of the lost-device path: make the driver drop the device. */
  simulateLoss(): Promise<unknown> {
    this.gpu.destroy();
    return this.gpu.lost.then(() => void this.root);
  }

  /** Throws `OutOfMemoryError` where the driver says at once that it has no room, or would not survive it. */
  private createBuffer(size: number, label: string): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const outOfMemory = (): OutOfMemoryError =>
      new OutOfMemoryError(
        `out of GPU memory: ${label} asked for ${size} bytes and the driver refused. Largest holders:\n${describeHolders(this.holders)}`,
      );
    const attempt = (hasRoom: boolean): GPUBuffer | undefined => {
      if (!hasRoom) return undefined;
      const create = (): GPUBuffer => this.gpu.createBuffer({ label, size, usage });
      const { made, refused } = this.faults.heardOf(create, 'out-of-memory', (_, late) => {
        if (this.runsNothing) return;
        if (late) this.pool.refuse(late, outOfMemory);
        this.faults.report(outOfMemory);
      });
      // Dawn's null backend has half a GiB and runs nothing: what is planned on it may be larger.
      return refused && !this.runsNothing ? undefined : made;
    };
    const held = (): number => this.memory.liveBytes + this.memory.pooledBytes;
    let made = attempt(this.room.has(size, held()));
    if (!made) {
      // What lies about unused may be what is missing.
      const unused = this.memory.pooledBytes > 0;
      this.pool.trim();
      const call = (): void => this.gpu.queue.submit([this.gpu.createCommandEncoder().finish()]);
      made = attempt(unused ? this.room.hasSoon(size, held(), call) : this.room.has(size, held()));
    }
    if (made) return made;
    nodeHost.collectSoon();
    throw outOfMemory();
  }
}

/** The default device. Throws when none is open. */
export function defaultDevice(): Device {
  if (!fallback) throw new DeviceError('no device is open: call `await openDevice()` first, or pass { device }');
  return fallback;
}

const optionNames = ['label', 'memoryLimit', 'tuned', 'adapterKernels', 'target', 'powerPreference', 'dawnOptions', 'adapter'] as const;

/** Open a device; where there is no default for new tensors (none yet, or it was closed or lost), this becomes it. */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  checkOptions('openDevice', options, optionNames);
  const { memoryLimit = Number.POSITIVE_INFINITY } = options;
  checkNumber('openDevice', { memoryLimit }, { above: 0, to: Number.POSITIVE_INFINITY });
  return Device.open(options);
}

/** Make `device` the default for new tensors. One that is closed or lost is refused, and stops being the default. */
export function setDefaultDevice(device: Device): void {
  checkDevice('setDefaultDevice', device);
  device.checkUsable('setDefaultDevice');
  fallback = device;
}
