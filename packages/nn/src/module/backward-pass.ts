import { alias, gradEnabled, OpError, showShape, showValue, Tensor } from '@initlab/core';
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

/** One forward of a module that has backward hooks: input and output pass through places of their own on the tape, where gradients are seen. */
export class BackwardPass {
  private gradOutput: Tensor | undefined;
  private inputWantsGrad = false;

  constructor(
    private readonly module: Module,
    private readonly hooks: readonly FullBackwardHook[],
  ) {}

  /** The input as the module is to take it. */
  entering(input: Tensor): Tensor {
    if (!wanted(input)) return input;
    this.inputWantsGrad = true;
    const inner = alias(input);
    inner.registerHook((gradient) => {
      const { gradOutput } = this;
      this.gradOutput = undefined;
      // It came past the output: of something inside, or of a gradient in whose making the input had a part.
      if (!gradOutput) return undefined;
      return this.hooks.reduce((gradInput, hook) => this.fit(hook(this.module, { gradInput, gradOutput }), gradInput), gradient);
    });
    return inner;
  }

  /** The output as the caller is to get it. */
  leaving(output: Tensor): Tensor {
    if (!wanted(output)) return output;
    const outer = alias(output);
    outer.registerHook((gradOutput) => {
      if (this.inputWantsGrad) this.gradOutput = gradOutput;
      else for (const hook of this.hooks) this.refuse(hook(this.module, { gradInput: undefined, gradOutput }));
      return undefined;
    });
    return outer;
  }

  private get name(): string {
    return `backward hook of ${this.module.constructor.name}`;
  }

  private fit(answer: Tensor | undefined, gradInput: Tensor): Tensor {
    if (answer === undefined || answer === null) return gradInput;
    if (answer instanceof Tensor && showShape(answer.shape) === showShape(gradInput.shape) && answer.dtype === gradInput.dtype)
      return answer;
    throw new OpError(
      this.name,
      `returned ${answer instanceof Tensor ? `${answer}` : showValue(answer)} for a gradient ${showShape(gradInput.shape)}, ${gradInput.dtype}; ` +
        'return a tensor like it, or nothing to leave it',
    );
  }

  private refuse(answer: Tensor | undefined): void {
    if (answer === undefined || answer === null) return;
    throw new OpError(this.name, 'returned something where the input wants no gradient, so that there is none to replace; return nothing');
  }
}

const wanted = (x: Tensor): boolean => x instanceof Tensor && x.requiresGrad && gradEnabled();
