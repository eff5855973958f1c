import { getOrMake } from '../get-or-make.js';
/** GPU time of one kernel over a profiled span. */
export interface ProfileRow {
  readonly kernel: string;
  readonly op: string;
  readonly count: number;
  readonly milliseconds: number;
  /** What its bindings cover, each counted once a dispatch. */
  readonly bytes: number;
  /** Multiply-adds of products, times two; 0 for other kernels. */
  readonly flops: number;
}

/** What is known of a dispatch before it runs. */
export type Stamp = Pick<ProfileRow, 'kernel' | 'op' | 'bytes' | 'flops'>;

const capacity = 2048;

/** Timestamps around every dispatch. Gathered per submission, read once at the end. */
export class Profiler {
  private readonly set: GPUQuerySet;
  private readonly results: { buffer: GPUBuffer; labels: Stamp[] }[] = [];
  private labels: Stamp[] = [];

  /** @internal */
  constructor(private readonly device: GPUDevice) {
    this.set = device.createQuerySet({ type: 'timestamp', count: capacity * 2 });
  }

  get full(): boolean {
    return this.labels.length >= capacity;
  }

  /** @internal */
  stamp(dispatch: Stamp): GPUComputePassTimestampWrites {
    const at = this.labels.length * 2;
    this.labels.push(dispatch);
    return { querySet: this.set, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
  }

  /**
   * Called before a submission: move this submission's stamps into a buffer of their own.
   * @internal
   */
  resolve(encoder: GPUCommandEncoder): void {
    const { labels } = this;
    if (labels.length === 0) return;
    const size = labels.length * 16;
    const resolved = this.device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    const buffer = this.device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    encoder.resolveQuerySet(this.set, 0, labels.length * 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, buffer, 0, size);
    this.results.push({ buffer, labels });
    this.labels = [];
  }

  /** Time per kernel, longest first. */
  async rows(): Promise<ProfileRow[]> {
    const sums = new Map<string, { -readonly [K in keyof ProfileRow]: ProfileRow[K] }>();
    for (const { buffer, labels } of this.results) {
      await buffer.mapAsync(GPUMapMode.READ);
      const stamps = new BigUint64Array(buffer.getMappedRange());
      labels.forEach(({ kernel, op, bytes, flops }, i) => {
        const sum = getOrMake(sums, `${op} ${kernel}`, () => ({ kernel, op, count: 0, milliseconds: 0, bytes: 0, flops: 0 }));
        sum.count++;
        sum.bytes += bytes;
        sum.flops += flops;
        sum.milliseconds += Number((stamps[i * 2 + 1] ?? 0n) - (stamps[i * 2] ?? 0n)) / 1e6;
      });
      buffer.destroy();
    }
    this.set.destroy();
    return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
}
