import { checkBody } from '../checks/check-arguments.js';
import { OpError } from '../checks/errors.js';
import { ModeStack } from '../record/mode-stack.js';
import { scopeTrack } from '../storage/scope.js';
import { writeTime } from '../storage/write-log.js';
import { GradHooks } from '../tensor/grad-hooks.js';
import { type Saved, Tensor } from '../tensor/tensor.js';
import type { Op } from './op-def.js';
import { mapSlots, type Named, present } from './slots.js';

/** Where the gradient of a node's input goes: to an earlier node's output, or into a leaf. */
export type Edge = { readonly node: TapeNode; readonly output: string } | { readonly leaf: Tensor };

let lastId = 0;
const enabled = new ModeStack(true);

/** Whether ops are put on the tape. */
export const gradEnabled = (): boolean => enabled.value;

/** Run `body` with the tape off (or on): PyTorch's `no_grad` / `enable_grad`. */
export const withGrad = <T>(on: boolean, body: () => T): T => {
  checkBody(on ? 'withGrad' : 'noGrad', body);
  return enabled.during(on, body);
};
/** Run `body` with the tape off (PyTorch's `no_grad`): what it makes has no history. An async body keeps it off until it settles. */
export const noGrad = <T>(body: () => T): T => withGrad(false, body);

/** What a gradient rule needs of an op that ran: tensors by slot. */
interface Ran {
  readonly inputs: Named<Tensor>;
  readonly outputs: Named<Tensor>;
  readonly attrs: unknown;
}

/** One op on the tape, with what its gradient rule needs. Ids grow in order of execution. */
export class TapeNode {
  readonly id = ++lastId;
  /** Where the gradient of each input goes, by slot. */
  readonly edges: Named<Edge>;
  readonly attrs: unknown;
  private saved: Omit<Ran, 'attrs'> | undefined;
  /** Hooks of each output, shared with the tensors. */
  readonly hooks: Named<GradHooks<Tensor>>;

  constructor(
    readonly op: Op,
    { inputs, outputs, attrs }: Ran,
  ) {
    this.attrs = attrs;
    this.edges = mapSlots(op.operands, inputs, edgeOf);
    this.hooks = mapSlots(op.results, outputs, (y) => {
      y.hooks ??= new GradHooks();
      return y.hooks;
    });
    for (const { name: output } of op.results) {
      const y = outputs[output];
      if (!y) continue;
      y.link = { node: this, output };
      y.requiresGrad = true;
    }
    // Own handles: the user may dispose theirs before backward runs.
    const keep = (x: Tensor, slot: string): Tensor => handle(x, { op: op.name, slot, at: writeTime() });
    this.saved = { inputs: mapSlots(op.operands, inputs, keep), outputs: mapSlots(op.results, outputs, keep) };
  }

  /** Every node its own history reaches, itself included. */
  history(): Set<TapeNode> {
    return reachedFrom([this]);
  }

  get name(): string {
    return this.op.name;
  }

  /** Saved inputs and outputs. Throws when they were freed by an earlier backward or by the end of their scope. */
  values(): Omit<Ran, 'attrs'> {
    if (!this.saved)
      throw new OpError(
        'backward',
        `what ${this.name} saved is gone: backward ran before (pass retainGraph: true then), or the scope it was made in has ended`,
      );
    return this.saved;
  }

  dispose(): void {
    const { saved } = this;
    this.saved = undefined;
    if (!saved) return;
    for (const x of present(this.op.operands, saved.inputs)) x.dispose();
    for (const y of present(this.op.results, saved.outputs)) y.dispose();
  }
}

/** Put an op that just ran on the tape. */
export function recordOnTape(op: Op, ran: Ran): void {
  scopeTrack(new TapeNode(op, ran));
}

/** Where a tensor's gradient goes. */
export function edgeOf(x: Tensor | undefined): Edge | undefined {
  if (!x?.requiresGrad) return undefined;
  if (x.link) return { node: x.link.node as TapeNode, output: x.link.output };
  return { leaf: x.aliasOf ?? x };
}

function handle(x: Tensor, saved: Saved): Tensor {
  const alias = new Tensor(x.storage.retain(), x.spec, x.requiresGrad);
  alias.link = x.link;
  alias.saved = saved;
  alias.aliasOf = x.aliasOf ?? x;
  return alias;
}

/** Every node a tensor's history reaches, itself included. */
export const historyOf = (roots: readonly Tensor[]): Set<TapeNode> =>
  reachedFrom(roots.flatMap((x) => (x.link ? [x.link.node as TapeNode] : [])));

function reachedFrom(todo: TapeNode[]): Set<TapeNode> {
  const seen = new Set<TapeNode>();
  for (let node = todo.pop(); node; node = todo.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const edge of present(node.op.operands, node.edges)) if ('node' in edge) todo.push(edge.node);
  }
  return seen;
}
