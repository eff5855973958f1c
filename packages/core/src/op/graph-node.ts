import type { RecordedOp } from '../record/recorder.js';
import type { GraphValue, Storage } from '../storage/storage.js';
import type { Op, SpecContext } from './op-def.js';
import { mapSlots, type Named, present, type SlotList, type Slots } from './slots.js';

/** What a node is made of, beside its op: values by slot. */
interface Parts<A, In extends SlotList, Out extends SlotList> {
  readonly attrs: A;
  readonly in: Slots<In, GraphValue>;
  readonly out: Slots<Out, GraphValue>;
}

/** One op of a recorded step, of whatever kind: `is` tells of which. It never changes; rewrites put others in its place. */
export class GraphNode implements RecordedOp {
  readonly attrs: unknown;
  readonly in: Named<GraphValue>;
  readonly out: Named<GraphValue>;
  /** The operands that are there, in the order of the op's slots. */
  readonly reads: readonly GraphValue[];
  /** Its results, likewise. */
  readonly makes: readonly GraphValue[];
  private known: SpecContext<unknown> | undefined;

  constructor(
    readonly op: Op,
    parts: Parts<unknown, SlotList, SlotList>,
  ) {
    this.attrs = parts.attrs;
    this.in = parts.in;
    this.out = parts.out;
    this.reads = present(op.operands, parts.in);
    this.makes = present(op.results, parts.out);
  }

  /** What its op is asked with. */
  get specs(): SpecContext<unknown> {
    this.known ??= {
      inputs: mapSlots(this.op.operands, this.in, (v) => v.spec),
      outputs: mapSlots(this.op.results, this.out, (v) => v.spec),
      attrs: this.attrs,
    };
    return this.known;
  }

  /** The values it writes in place, which were there before it. */
  get writes(): readonly Storage[] {
    return (this.op.mutates ?? []).flatMap((slot) => this.in[slot]?.storage ?? []);
  }

  /** The same op with other parts. */
  with(changes: Partial<Parts<unknown, SlotList, SlotList>>): GraphNode {
    return new GraphNode(this.op, { attrs: this.attrs, in: this.in, out: this.out, ...changes });
  }

  /** The same node with other values: `convert` says what stands for each. */
  map(convert: (value: GraphValue) => GraphValue): GraphNode {
    return this.with({ in: mapSlots(this.op.operands, this.in, convert), out: mapSlots(this.op.results, this.out, convert) });
  }
}

/** A node of one op. */
export type TypedNode<A, In extends SlotList, Out extends SlotList> = GraphNode & Parts<A, In, Out> & { readonly op: Op<A, In, Out> };
/** A node of the op of this type: `Node<typeof conv2dOp>`. */
export type Node<O> = O extends Op<infer A, infer In, infer Out> ? TypedNode<A, In, Out> : never;

/** Ops with the same slots and attributes, which differ in what they compute. */
export class OpFamily<A, In extends SlotList, Out extends SlotList> {
  private readonly members = new WeakSet<object>();

  /** Makes the op one of these. */
  add(op: Op<A, In, Out>): Op<A, In, Out> {
    this.members.add(op);
    return op;
  }

  has(op: object): boolean {
    return this.members.has(op);
  }
}

/** Is the node one of this op, or of this family? The only way to tell; it knows attributes and slots then. */
export function is<A, In extends SlotList, Out extends SlotList>(
  node: GraphNode,
  kind: Op<A, In, Out> | OpFamily<A, In, Out>,
): node is TypedNode<A, In, Out> {
  return kind instanceof OpFamily ? kind.has(node.op) : Object.is(node.op, kind);
}

/** A node whose attributes and values fit its op. */
export function makeNode<A, In extends SlotList, Out extends SlotList>(op: Op<A, In, Out>, parts: Parts<A, In, Out>): GraphNode;
export function makeNode(op: Op, parts: Parts<unknown, SlotList, SlotList>): GraphNode {
  return new GraphNode(op, parts);
}
