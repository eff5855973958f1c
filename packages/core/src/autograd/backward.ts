import { checkFlags, checkOptions } from '../checks/check-arguments.js';
import { OpError, showValue } from '../checks/errors.js';
import { getOrMake } from '../get-or-make.js';
import { computingGradientOf } from '../op/observe.js';
import type { BackwardRule, OpDef } from '../op/op-def.js';
import { present } from '../op/slots.js';
import { type Edge, edgeOf, historyOf, type TapeNode, withGrad } from '../op/tape.js';
import { addInto, copyInto } from '../ops/pointwise/assign.js';
import { add, mul } from '../ops/pointwise/binary.js';
import { cast } from '../ops/pointwise/cast.js';
import { differentiableUnary } from '../ops/pointwise/unary.js';
import { composedUnary } from '../ops/pointwise/unary-composed.js';
import { toFormat } from '../ops/views/to-format.js';
import { currentRecorder } from '../record/recorder.js';
import { keep, scope } from '../storage/scope.js';
import { sameShape } from '../storage/spec.js';
import { checkTensor, checkTensorOptions } from '../tensor/check-tensor.js';
import { full } from '../tensor/create.js';
import { GradHooks } from '../tensor/grad-hooks.js';
import { Tensor } from '../tensor/tensor.js';

/** Options of `backward` and `grad`. */
export interface BackwardOptions {
  /** Gradient of the output itself; default 1, which needs an output of one element. */
  readonly gradient?: Tensor;
  /** Keep what the forward saved, so that backward can run again. Default: as `createGraph`. */
  readonly retainGraph?: boolean;
  /** Put the backward on the tape too, for gradients of gradients. */
  readonly createGraph?: boolean;
}

/** Adds d`output`/d`leaf` to `leaf.grad` of every leaf with `requiresGrad` (PyTorch's `Tensor.backward`). */
export function backward(output: Tensor, options: BackwardOptions = {}): void {
  checkTensor('backward', output, 'the output');
  checkBackward('backward', options);
  // A gradient belongs to its leaf alone: what is done to it in place must not reach another's, or the caller's.
  const given = new Set(options.gradient ? [options.gradient.storage] : []);
  run(output, options, (leaf, gradient) => {
    accumulate(leaf, given.has(gradient.storage) && !leaf.grad && !leaf.gradSlot ? mul(gradient, 1) : gradient);
    given.add(gradient.storage);
  });
}

/** Gradients of `output` with respect to `inputs` (PyTorch's `autograd.grad`); leaves' `.grad` stay as they are. */
export function grad(output: Tensor, inputs: readonly Tensor[], options: BackwardOptions = {}): Tensor[] {
  checkTensor('grad', output, 'the output');
  checkBackward('grad', options);
  if (!Array.isArray(inputs)) throw new OpError('grad', `takes the inputs as a list: grad(loss, [x]), got ${showValue(inputs)}`);
  const wanted = inputs.map((x) => {
    checkTensor('grad', x, 'an input');
    const edge = edgeOf(x);
    if (!edge) throw new OpError('grad', `an input of shape [${x.shape.join(', ')}] does not require a gradient`);
    return edge;
  });
  const found = new Map<Tensor, Tensor>();
  const inner = run(output, options, (leaf, gradient) => void found.set(leaf, gradient), wanted);
  return wanted.map((edge, i) => {
    const gradient = 'leaf' in edge ? found.get(edge.leaf) : inner.get(edge.node)?.[edge.output];
    if (!gradient) throw new OpError('grad', `input ${i} (shape [${inputs[i]?.shape.join(', ')}]) was not used to make the output`);
    return gradient;
  });
}

function checkBackward(op: string, options: BackwardOptions): void {
  checkOptions(op, options, ['gradient', 'retainGraph', 'createGraph']);
  const { gradient, retainGraph, createGraph } = options;
  checkTensorOptions(op, { gradient });
  checkFlags(op, { retainGraph, createGraph });
}

type Gradients = Map<TapeNode, Record<string, Tensor>>;

/** Gradients on their way: each is the sum of those that came by all ways. */
class GradientsUnderWay {
  readonly nodes: Gradients = new Map();
  readonly leaves = new Map<Tensor, Tensor>();

  send(edge: Edge, gradient: Tensor): void {
    if ('leaf' in edge) {
      const former = this.leaves.get(edge.leaf);
      this.leaves.set(edge.leaf, former ? add(former, gradient) : gradient);
      return;
    }
    const list = getOrMake<TapeNode, Record<string, Tensor>>(this.nodes, edge.node, () => ({}));
    const former = list[edge.output];
    list[edge.output] = former ? add(former, gradient) : gradient;
  }
}

/** Walks the tape from the output in reverse order of execution. Returns the gradients of the `watched` nodes. */
function run(
  output: Tensor,
  options: BackwardOptions,
  toLeaf: (leaf: Tensor, gradient: Tensor) => void,
  watched: readonly Edge[] = [],
): Gradients {
  currentRecorder()?.differentiates();
  const { createGraph = false, retainGraph = createGraph } = options;
  const { start, seed } = beginning(output, options.gradient);
  const watch = new Set(watched.flatMap((edge) => ('node' in edge ? [edge.node] : [])));
  const order = [...historyOf([output])].sort((a, b) => b.id - a.id);
  const under = new GradientsUnderWay();
  const { nodes, leaves } = under;

  withGrad(createGraph, () =>
    scope(() => {
      // As PyTorch: a gradient has the type of what it is of, else its bits would be read as another's.
      under.send(start, cast(seed, output.dtype));
      for (const node of order) {
        const grads = nodes.get(node);
        if (!grads) continue;
        const back = backThrough(node, grads, createGraph);
        for (const { name } of node.op.operands) {
          const [edge, gradient] = [node.edges[name], back[name]];
          if (edge && gradient) under.send(edge, gradient);
        }
        if (!watch.has(node)) nodes.delete(node);
        if (!retainGraph) node.dispose();
      }
      for (const [leaf, gradient] of leaves) {
        leaf.hooks ??= new GradHooks();
        const hooked = leaf.hooks.applyToLeaf(gradient);
        const final = hooked.format === leaf.format ? hooked : toFormat(hooked, leaf.format);
        // What is handed out is what is kept below.
        leaves.set(leaf, final);
        toLeaf(leaf, final);
      }
      return keep([
        ...[...nodes].flatMap(([node, found]) => present(node.op.results, found)),
        ...(watched.length > 0 ? leaves.values() : []),
      ]);
    }),
  );
  return nodes;
}

/** Where a walk begins, and with which gradient. */
function beginning(output: Tensor, gradient: Tensor | undefined): { readonly start: Edge; readonly seed: Tensor } {
  const start = edgeOf(output);
  if (!start && output.storage.result)
    throw new OpError('backward', 'what a compiled step returns carries no history; call backward inside the compiled function');
  if (!start) throw new OpError('backward', 'the output does not depend on any tensor with requiresGrad');
  const seed = gradient ?? onesLikeScalar(output);
  if (!sameShape(seed.shape, output.shape))
    throw new OpError('backward', `gradient of shape [${seed.shape.join(', ')}] for an output of shape [${output.shape.join(', ')}]`);
  return { start, seed };
}

/** Gradients of a node's operands from those of its results, which hooks may change. */
function backThrough(node: TapeNode, grads: Record<string, Tensor>, createGraph: boolean): Readonly<Record<string, Tensor | undefined>> {
  const { operands, results } = node.op;
  for (const { name } of results) {
    const gradient = grads[name];
    const hooked = gradient && node.hooks[name]?.apply(gradient);
    if (hooked) grads[name] = hooked;
  }
  const needs = Object.fromEntries(operands.map(({ name }) => [name, node.edges[name] !== undefined]));
  const context = { ...node.values(), grads, attrs: node.attrs, needs };
  return computingGradientOf(node.name, () => ruleOf(node, createGraph)(context));
}

function ruleOf(node: TapeNode, createGraph: boolean): BackwardRule<unknown> {
  const { op } = node;
  const { backwardComposed }: Pick<OpDef, 'backwardComposed'> = differentiableUnary.has(op) ? composedUnary : op;
  if (createGraph && backwardComposed) return backwardComposed;
  if (createGraph && !op.backwardDifferentiable)
    throw new OpError('backward', `${op.name} has no gradient rule made of differentiable ops, so createGraph cannot pass through it`);
  return op.backward as BackwardRule<unknown>;
}

function onesLikeScalar(output: Tensor): Tensor {
  if (output.size !== 1)
    throw new OpError('backward', `the output has ${output.size} elements; pass { gradient } or reduce it to one, e.g. with mean()`);
  return full(output.shape, 1, { device: output.device, dtype: output.dtype });
}

/** PyTorch's rule: the first gradient is stored, later ones are added. */
function accumulate(leaf: Tensor, gradient: Tensor): void {
  const slot = leaf.gradSlot;
  const former = leaf.grad;
  if (slot) {
    // One from before the optimiser, or set by hand, lies elsewhere.
    if (former === slot) addInto(slot, gradient);
    else copyInto(slot, former ? add(former, gradient) : gradient);
    leaf.becomeGrad(slot);
    return;
  }
  const next = former ? add(former, gradient) : gradient;
  if (next.link) keep(next);
  // A handle of the leaf's own, outside every scope: it lives until zeroGrad.
  const own = new Tensor(next.storage.retain(), next.spec, next.requiresGrad);
  own.link = next.link;
  leaf.becomeGrad(own);
  // Of a recording: it hands the value to the leaf after every call.
  currentRecorder()?.afterRecording(() => own.dispose());
}
