import { AllOrNothing, copyInto, div, maximum, mul, noGrad, reshape, scope, sqrt, square, sum, type Tensor } from '@initlab/core';
import { checkNumber } from '@initlab/core/internal';
import { normal_ } from '../init/index.js';
import { distinct, Module, type WalkOptions } from '../module/module.js';
import { type Parameter, type StateTensor, stateTensor } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import { Conv2d, type Conv2dLayerOptions } from './conv2d.js';
import { Linear, type LinearLayerOptions } from './linear.js';
import { ModuleDict } from './module-dict.js';

/** Options of spectral normalisation. */
export interface SpectralNormOptions {
  /** Power iterations of every use in training. Default 1. */
  readonly nPowerIterations?: number | undefined;
  /** Lengths below it count as it. Default 1e-12. */
  readonly eps?: number | undefined;
}
type MakeOptions = SpectralNormOptions & Pick<Conv2dLayerOptions, 'generator'>;

/** What `torch.nn.utils.parametrizations.spectral_norm` iterates when it is put on a layer. */
const iterationsAtStart = 15;

/** W → W / σ: u and v follow the first singular vectors of W as a matrix [out, …], in training a little more at every use. */
class SpectralNorm extends Module {
  readonly nPowerIterations: number;
  readonly eps: number;
  /** PyTorch's names. */
  readonly _u: StateTensor;
  readonly _v: StateTensor;

  constructor(weight: Parameter, { nPowerIterations = 1, eps = 1e-12, generator }: MakeOptions) {
    super();
    checkNumber('spectral norm', { nPowerIterations }, { from: 1, whole: true });
    checkNumber('spectral norm', { eps }, { above: 0 });
    this.nPowerIterations = nPowerIterations;
    this.eps = eps;
    const { device } = weight;
    const [height = 1] = weight.shape;
    this._u = stateTensor([height], { device });
    this._v = stateTensor([weight.size / height], { device });
    for (const vector of [this._u, this._v]) normal_(vector, { generator });
    noGrad(() => scope(() => void this.iterate(rowsOf(weight), iterationsAtStart)));
  }

  override extraRepr(): string {
    return showSettings([], { nPowerIterations: this.nPowerIterations, eps: this.eps }, { nPowerIterations: 1, eps: 1e-12 });
  }

  override forward(weight: Tensor): Tensor {
    const { training, nPowerIterations } = this;
    return scope(() => {
      const rows = rowsOf(weight);
      // Copies: what the gradient reads of them stays, whatever the next use does.
      const [u, v] = noGrad(() => (training ? this.iterate(rows, nPowerIterations) : [mul(this._u, 1), mul(this._v, 1)]));
      return div(weight, sum(mul(mul(rows, reshape(u, [u.size, 1])), v)));
    });
  }

  /** Moves u and v on, and returns what they are then. */
  private iterate(rows: Tensor, times: number): [u: Tensor, v: Tensor] {
    let [u, v]: [Tensor, Tensor] = [this._u, this._v];
    for (let i = 0; i < times; i++) {
      u = this.unit(sum(mul(rows, v), { dims: [1] }));
      v = this.unit(sum(mul(rows, reshape(u, [u.size, 1])), { dims: [0] }));
    }
    copyInto(this._u, u);
    copyInto(this._v, v);
    return [u, v];
  }

  private unit(x: Tensor): Tensor {
    return div(x, maximum(sqrt(sum(square(x))), this.eps));
  }
}

const rowsOf = (weight: Tensor): Tensor => reshape(weight, [weight.shape[0] ?? 1, -1]);

/** A weight and what is done to it before it is used (PyTorch's `ParametrizationList`); its names in a state dict are `original` and `0.…`. */
class Parametrized extends Module {
  private readonly steps: readonly Module[];
  constructor(
    readonly original: Parameter,
    step: Module,
  ) {
    super();
    this.steps = [step];
  }
  override namedChildren(options: WalkOptions = {}): Generator<[string, Module]> {
    return distinct(
      this.steps.map((step, i): [string, Module] => [String(i), step]),
      options,
    );
  }
  override forward(weight: Tensor): Tensor {
    return this.steps.reduce((value, step) => step.forward(value), weight);
  }
}

/** Puts a layer's weight where PyTorch has it: at the end of its state dict, as `parametrizations.weight.original`. */
function parametrized(layer: { weight: Parameter }, options: MakeOptions): ModuleDict {
  const weight = new Parametrized(layer.weight, new SpectralNorm(layer.weight, options));
  Object.defineProperty(layer, 'weight', { enumerable: false });
  return new ModuleDict({ weight });
}

/**
 * A convolution whose weight is W / σ, σ the largest singular value of W as a matrix [out, …], by power iteration (arXiv:1802.05957;
 * PyTorch's `parametrizations.spectral_norm` of a `Conv2d`, with its names: `parametrizations.weight.original`, and u and v as buffers).
 * In training every use of the weight moves u and v on.
 */
export class SpectralNormConv2d extends Conv2d {
  readonly parametrizations: ModuleDict;

  constructor(inChannels: number, outChannels: number, options: Conv2dLayerOptions & SpectralNormOptions) {
    const { nPowerIterations, eps, ...product } = { ...options };
    super(inChannels, outChannels, product);
    using whole = new AllOrNothing([this]);
    this.parametrizations = parametrized(this, { nPowerIterations, eps, generator: product.generator });
    whole.done();
  }
  override effectiveWeight(): Tensor {
    return this.parametrizations.get('weight').forward(this.weight);
  }
}

/** A linear layer whose weight is W / σ, σ the largest singular value of W; otherwise as `SpectralNormConv2d`. */
export class SpectralNormLinear extends Linear {
  readonly parametrizations: ModuleDict;

  constructor(inFeatures: number, outFeatures: number, options: LinearLayerOptions & SpectralNormOptions = {}) {
    const { nPowerIterations, eps, ...product } = { ...options };
    super(inFeatures, outFeatures, product);
    using whole = new AllOrNothing([this]);
    this.parametrizations = parametrized(this, { nPowerIterations, eps, generator: product.generator });
    whole.done();
  }
  override effectiveWeight(): Tensor {
    return this.parametrizations.get('weight').forward(this.weight);
  }
}
