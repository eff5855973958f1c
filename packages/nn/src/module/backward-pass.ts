import { alias, gradEnabled, OpError, Tensor } from '@initlab/core';
import { showShape, showValue } from '@initlab/core/internal';
import type { Module } from './module.js';

/**
 * Sees the gradients of a module's output and of its input, during backward; a tensor it returns takes the place of the latter
 * (PyTorch's full backward hook). An input that wants no gradient has none: the hook is then called with that of the output. A gradient
 * that reaches the input without passing the output (a second derivative's, that of a tensor from inside) is not seen, as in PyTorch.
 */
export type FullBackwardHook = (
  module: Module,
  seen: { readonly gradInput: Tensor | undefined; readonly gradOutput: Tensor },
) => Tensor | undefined;

/**
 * Sees the gradient of a module's output during backward, before anything of the module's own is computed from it; a tensor it returns
 * takes its place, for full backward hooks too (PyTorch's full backward pre-hook).
 */
export type FullBackwardPreHook = (module: Module, seen: { readonly gradOutput: Tensor }) => Tensor | undefined;

/** The hooks of a module that has some of one kind or both. */
interface BackwardHooks {
  readonly before: readonly FullBackwardPreHook[];
  readonly after: readonly FullBackwardHook[];
}

/** One forward of a module that has backward hooks: input and output pass through places of their own on the tape, where gradients are seen. */
export class BackwardPass {
  private gradOutput: Tensor | undefined;
  private inputWantsGrad = false;

  constructor(
    private readonly module: Module,
    private readonly hooks: BackwardHooks,
  ) {}

  /** The input as the module is to take it. */
  entering(input: Tensor): Tensor {
    const { after } = this.hooks;
    if (!wanted(input) || after.length === 0) return input;
    this.inputWantsGrad = true;
    const inner = alias(input);
    inner.registerHook((gradient) => {
      const { gradOutput } = this;
      this.gradOutput = undefined;
      // It came past the output: of something inside, or of a gradient in whose making the input had a part.
      if (!gradOutput) return undefined;
      return after.reduce((gradInput, hook) => this.fit(hook(this.module, { gradInput, gradOutput }), gradInput), gradient);
    });
    return inner;
  }

  /** The output as the caller is to get it. */
  leaving(output: Tensor): Tensor {
    if (!wanted(output)) return output;
    const outer = alias(output);
    outer.registerHook((gradient) => {
      const { before, after } = this.hooks;
      const gradOutput = before.reduce((seen, hook) => this.fit(hook(this.module, { gradOutput: seen }), seen), gradient);
      if (this.inputWantsGrad) this.gradOutput = gradOutput;
      else for (const hook of after) this.refuse(hook(this.module, { gradInput: undefined, gradOutput }));
      return gradOutput;
    });
    return outer;
  }

  private get name(): string {
    return `backward hook of ${this.module.constructor.name}`;
  }

  private fit(answer: Tensor | undefined, seen: Tensor): Tensor {
    if (answer === undefined || answer === null) return seen;
    if (answer instanceof Tensor && showShape(answer.shape) === showShape(seen.shape) && answer.dtype === seen.dtype) return answer;
    throw new OpError(
      this.name,
      `returned ${answer instanceof Tensor ? `${answer}` : showValue(answer)} for a gradient ${showShape(seen.shape)}, ${seen.dtype}; ` +
        'return a tensor like it, or nothing to leave it',
    );
  }

  private refuse(answer: Tensor | undefined): void {
    if (answer === undefined || answer === null) return;
    throw new OpError(this.name, 'returned something where the input wants no gradient, so that there is none to replace; return nothing');
  }
}

const wanted = (x: Tensor): boolean => x instanceof Tensor && x.requiresGrad && gradEnabled();
