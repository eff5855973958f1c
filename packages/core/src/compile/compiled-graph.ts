import type { EpilogueChoice, Kernel, Plan, Target, Tunable } from '@initlab/kernels';
import { getOrMake } from '../get-or-make.js';
import type { BufferRegion } from '../gpu/buffer-pool.js';
import type { PreparedDispatch } from '../gpu/command-stream.js';
import type { Device } from '../gpu/device.js';
import { nodeHost } from '../gpu/node.js';
import type { GraphNode } from '../op/graph-node.js';
import type { Op, SpecContext } from '../op/op-def.js';
import { Storage } from '../storage/storage.js';
import type { Graph } from './graph.js';
import { type Lifetime, planMemory } from './memory-plan.js';

interface PlannedNode {
  readonly node: GraphNode;
  readonly plan: Plan;
}

/** A value that is told where its bytes lie. */
interface PlacedLater extends Lifetime {
  readonly lies: (region: BufferRegion) => void;
}

/** A node of a compiled step whose kernel can be chosen. */
export interface TunableNode {
  readonly op: Op;
  readonly problem: Tunable | EpilogueChoice;
  /** Its operands and results, by slot. */
  readonly inputs: SpecContext<unknown>['inputs'];
  readonly outputs: SpecContext<unknown>['outputs'];
  /** The variant it has now. */
  readonly variant: string;
}

/** One dispatch of a compiled step; bytes count each binding once, flops only products. */
export interface DispatchFacts {
  readonly op: string;
  readonly kernel: string;
  readonly bytes: number;
  readonly flops: number;
  readonly workgroups: readonly [number, number, number];
  /** What the kernel asks of the adapter. */
  readonly uses: Kernel['uses'];
  /** WGSL of the kernel. */
  readonly source: () => string;
}

/** Buffers shared by all shapes of one compiled function: they never run at the same time. */
export class Arena {
  readonly buffers: Storage[] = [];
  constructor(readonly device: Device) {}

  /** A storage of at least its bytes for each, reusing what is there. */
  fit<B extends { readonly bytes: number }>(wanted: readonly B[]): Map<B, Storage> {
    const free = [...this.buffers].sort((a, b) => b.bytes - a.bytes);
    const known = this.buffers.length;
    const take = ({ bytes }: B): Storage => {
      const [largest] = free;
      if (largest && largest.bytes >= bytes) {
        free.shift();
        return largest;
      }
      const made = Storage.allocate(this.device, bytes, 'compiled step');
      this.buffers.push(made);
      return made;
    };
    try {
      return new Map([...wanted].sort((a, b) => b.bytes - a.bytes).map((each) => [each, take(each)]));
    } catch (error) {
      for (const made of this.buffers.splice(known)) made.release();
      throw error;
    }
  }

  /** Give back all buffers but these. */
  keep(used: readonly Storage[]): void {
    for (const buffer of this.buffers.splice(0))
      if (used.includes(buffer)) this.buffers.push(buffer);
      else buffer.release();
  }

  release(): void {
    for (const buffer of this.buffers) buffer.release();
    this.buffers.length = 0;
  }
}

/** A graph with plans, memory and bind groups: `run` only encodes a flat list of dispatches. */
export class CompiledGraph {
  private dispatches: PreparedDispatch[] | undefined;
  private readonly planned: PlannedNode[];
  private constants: Storage[];
  private readonly regions = new Map<Storage, BufferRegion>();
  /** What of the arena it uses. */
  buffers: readonly Storage[] = [];
  /** Own storage of each returned value. */
  readonly results = new Map<Storage, Storage>();

  constructor(
    private readonly device: Device,
    graph: Graph,
    target: Target,
    arena: Arena,
  ) {
    this.constants = graph.constants;
    this.planned = graph.nodes.map((node) => ({ node, plan: node.op.plan({ ...node.specs, target }) }));
    try {
      this.assignMemory(graph, arena);
    } catch (error) {
      // The caller has the tables still.
      this.constants = [];
      this.release();
      throw error;
    }
  }

  /** Kernel variant of every node, in order: what a run records and a resumed run must find again. */
  get variants(): string[] {
    return this.planned.map(({ node, plan }) => `${node.op.name}: ${plan.variant}`);
  }

  /** What the tuner can choose kernels for, node by node: the same problem may come several times. */
  get tunables(): TunableNode[] {
    return this.planned.flatMap(({ node, plan }) => {
      const { inputs, outputs } = node.specs;
      const problem = node.op.tunable?.(node.specs);
      return problem ? [{ op: node.op, problem, inputs, outputs, variant: plan.variant }] : [];
    });
  }

  /** Every dispatch of a step in order, with what its bindings cover. */
  get dispatchFacts(): DispatchFacts[] {
    return this.planned.flatMap((planned, i) =>
      planned.plan.dispatches.map(({ kernel, slots, workgroups, flops = 0, seldom = [] }) => ({
        op: planned.node.op.name,
        kernel: kernel.name,
        bytes: slots
          .filter((_, k) => !seldom.includes(k))
          .reduce((sum, s) => sum + (typeof s === 'string' ? (this.slotRegion(planned, i, s)?.size ?? 0) : s.bytes), 0),
        flops,
        workgroups,
        uses: kernel.uses,
        source: kernel.source,
      })),
    );
  }

  /** Create all pipelines, in parallel. */
  prepare(): Promise<void> {
    return this.device.preparePipelines(this.planned.flatMap(({ plan }) => plan.dispatches.map((d) => d.kernel)));
  }

  run(): void {
    this.device.commands.replay(this.bind());
  }

  /** The dispatches of a call, prepared at the first. Throws where the device cannot run one. */
  bind(): readonly PreparedDispatch[] {
    if (this.dispatches) return this.dispatches;
    const count = this.planned.reduce((sum, { plan }) => sum + plan.dispatches.length, 0);
    nodeHost.checkBindGroupRoom(this.device.caps.adapter, count);
    this.dispatches = this.planned.flatMap((planned, i) =>
      planned.plan.dispatches.map((d) =>
        this.device.commands.prepare(d, (slot) => this.slotRegion(planned, i, slot), planned.node.op.name),
      ),
    );
    return this.dispatches;
  }

  /** Puts a value of the call, which lies in memory of another use, where a result lies. */
  copyToResult({ storage }: { readonly storage: Storage }): void {
    this.device.commands.copy(storage.place, this.resultOf(storage).place, storage.bytes);
  }

  release(): void {
    for (const storage of [...this.results.values(), ...this.constants]) storage.release();
    this.results.clear();
    this.constants = [];
  }

  private readonly temporaries = new Map<string, BufferRegion>();

  private slotRegion({ node }: PlannedNode, index: number, slot: string): BufferRegion | undefined {
    const value = node.out[slot] ?? node.in[slot];
    return value ? this.regionOf(value.storage) : this.temporaries.get(`${index} ${slot}`);
  }

  private regionOf(storage: Storage): BufferRegion | undefined {
    return this.regions.get(storage) ?? storage.region;
  }

  private assignMemory(graph: Graph, arena: Arena): void {
    const values: PlacedLater[] = [];
    const open = new Map<Storage, { first: number; last: number }>();
    this.planned.forEach(({ node, plan }, i) => {
      for (const value of node.reads) {
        const life = open.get(value.storage);
        if (life) life.last = i;
      }
      for (const { storage } of node.makes) {
        if (!storage.virtual) continue;
        if (graph.results.has(storage)) this.regions.set(storage, this.resultOf(storage).place);
        else open.set(storage, { first: i, last: i });
      }
      for (const temporary of plan.temporaries) {
        const at = `${i} ${temporary.slot}`;
        values.push({ bytes: temporary.bytes, first: i, last: i, lies: (region) => this.temporaries.set(at, region) });
      }
    });
    for (const [storage, life] of open) values.push({ bytes: storage.bytes, ...life, lies: (region) => this.regions.set(storage, region) });
    const fitted = arena.fit(planMemory(values));
    this.buffers = [...fitted.values()];
    for (const [buffer, { place }] of fitted) for (const { bytes, lies } of buffer.values) lies({ ...place, size: bytes });
  }

  private resultOf(value: Storage): Storage {
    return getOrMake(this.results, value, ({ bytes, label }) =>
      Storage.allocate(this.device, bytes, `result of a compiled step (${label})`).dropQuietly(),
    );
  }
}
