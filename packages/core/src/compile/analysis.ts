import { getOrMake } from '../get-or-make.js';
import type { GraphNode } from '../op/graph-node.js';
import type { GraphValue, Storage } from '../storage/storage.js';
import { Accesses } from './accesses.js';
import { readsAsMade } from './sharing.js';

/**
 * What rewrites ask about a step, found when it is asked for first, and what they put in the places of its nodes. Nothing moves until
 * `Graph.settle`, so what is told holds for a whole rewrite; `replaced` and `current` tell what that has changed so far.
 */
export class Analysis {
  private readonly others = new Map<GraphNode, readonly GraphNode[]>();
  private readersOf: Map<Storage, GraphNode[]> | undefined;
  private producerOf: Map<Storage, GraphNode> | undefined;
  private places: Map<GraphNode, number> | undefined;
  private writes: Accesses | undefined;
  private touches: Accesses | undefined;

  constructor(
    private readonly nodes: readonly GraphNode[],
    private readonly results: ReadonlySet<Storage>,
  ) {}

  /** Nodes that read a value, each once, in order. */
  readers({ storage }: { readonly storage: Storage }): readonly GraphNode[] {
    if (!this.readersOf) {
      this.readersOf = new Map();
      for (const node of this.nodes)
        for (const read of new Set(node.reads.map((v) => v.storage))) getOrMake(this.readersOf, read, () => []).push(node);
    }
    return this.readersOf.get(storage) ?? [];
  }

  /** The node that makes a value. */
  producer({ storage }: { readonly storage: Storage }): GraphNode | undefined {
    this.producerOf ??= new Map(this.nodes.flatMap((node) => node.makes.map((v) => [v.storage, node] as const)));
    return this.producerOf.get(storage);
  }

  /** The only node that needs a value, if that reads it as it was made and is not replaced. */
  soleReader(value: GraphValue): GraphNode | undefined {
    const [only, another] = this.readers(value);
    if (!only || another || this.results.has(value.storage) || this.others.has(only)) return undefined;
    return readsAsMade(only, value) ? only : undefined;
  }

  position(node: GraphNode): number {
    this.places ??= new Map(this.nodes.map((each, i) => [each, i]));
    const place = this.places.get(node);
    if (place === undefined) throw new Error(`${node.op.name}: stands nowhere in the step yet`);
    return place;
  }

  /** Is a value overwritten after position `first` and before `last`? By default: ever. */
  overwritten({ storage }: { readonly storage: Storage }, first = -1, last = this.nodes.length): boolean {
    this.writes ??= this.accesses((node) => [...node.writes, ...node.makes.flatMap((v) => (v.storage.virtual ? [] : [v.storage]))]);
    return this.writes.between(storage, first, last);
  }

  /** Does a node after position `first` and before `last` read or write any byte of `storage`, which is real memory? */
  touched(storage: Storage, first: number, last: number): boolean {
    return this.touchesAll.between(storage, first, last);
  }

  /** What stands for the node at `position` will touch `storage` too. */
  willTouch(storage: Storage, position: number): void {
    this.touchesAll.note(storage, position);
  }

  /**
   * May `node` run where `until` stands? Not if what it reads is overwritten before, or something it makes or changes is
   * wanted before, beside its first result, whose readers the caller knows.
   */
  mayMove(node: GraphNode, until: GraphNode): boolean {
    const [first, end] = [this.position(node), this.position(until)];
    if (node.reads.some((v) => this.overwritten(v, first, end))) return false;
    const made = new Set([...node.makes.slice(1).map((v) => v.storage), ...node.writes]);
    return !this.nodes.slice(first + 1, end).some((other) => other.reads.some((v) => made.has(v.storage)));
  }

  /** Others stand where `node` stood; with none it is dropped. */
  replace(node: GraphNode, ...others: readonly GraphNode[]): void {
    this.others.set(node, others);
  }

  /** Is the node replaced or dropped already? */
  replaced(node: GraphNode): boolean {
    return this.others.has(node);
  }

  /** What stands for the node so far: itself, where it is not replaced. */
  current(node: GraphNode): GraphNode {
    return this.others.get(node)?.[0] ?? node;
  }

  /** The nodes with those in place; undefined where none was replaced. */
  settled(): GraphNode[] | undefined {
    return this.others.size === 0 ? undefined : this.nodes.flatMap((node) => this.others.get(node) ?? [node]);
  }

  private get touchesAll(): Accesses {
    this.touches ??= this.accesses((node) => [...node.reads, ...node.makes].flatMap(({ storage }) => (storage.virtual ? [] : [storage])));
    return this.touches;
  }

  private accesses(of: (node: GraphNode) => readonly Storage[]): Accesses {
    const found = new Accesses();
    this.nodes.forEach((node, i) => {
      for (const storage of of(node)) found.note(storage, i);
    });
    return found;
  }
}
