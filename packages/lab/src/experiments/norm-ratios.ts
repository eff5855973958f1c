import { add, type Device, type Generator, grad, relu, scope, sqrt, square, sum, type Tensor, tensor } from '@initlab/core';
import { calculateFanInAndFanOut, constant_, kaimingNormal_, orthogonal_, WeightNormLinear } from '@initlab/nn';

/** Figure 1 of arXiv:1906.02341: how norms of activations and gradients change with depth at initialisation. */
const normRatioNets = ['mlp', 'resnet'] as const;
const normRatioInits = ['he_g1', 'proposed_orthogonal', 'proposed_he'] as const;
const normRatioWidths = [200, 1000] as const;

export interface NormRatioCurve {
  readonly net: (typeof normRatioNets)[number];
  readonly init: (typeof normRatioInits)[number];
  /** Hidden width; the MLP's layers are within 50 of it. */
  readonly width: (typeof normRatioWidths)[number];
}
export const curveName = ({ net, init, width }: NormRatioCurve): string => `${net}/${init}/width${width}`;

/** All twelve, in the order of the reference file. */
export const normRatioCurves: readonly NormRatioCurve[] = normRatioNets.flatMap((net) =>
  normRatioInits.flatMap((init) => normRatioWidths.map((width) => ({ net, init, width }))),
);

/** Logarithms of mean ratios by layer: ‖h_l‖ / ‖x‖, and ‖∂h_l‖ / ‖∂h_L‖ (the MLP's before the ReLU). */
export interface NormRatios {
  readonly forward: readonly number[];
  readonly backward: readonly number[];
}

const inputs = 400;
const inputSize = 500;
const layersOfMlp = 20;
const blocksOfResnet = 40;

/** One network with its own inputs. */
export async function normRatios(
  curve: NormRatioCurve,
  { device, generator }: { device: Device; generator: Generator },
): Promise<NormRatios> {
  const modules: WeightNormLinear[] = [];
  const layer = (fanIn: number, fanOut: number, gamma: number): WeightNormLinear => {
    const made = new WeightNormLinear(fanIn, fanOut, { bias: false, device, generator });
    setWeights(made, curve.init, { gamma, generator });
    // Only the activations' gradients are wanted.
    for (const p of made.parameters()) p.requiresGrad_(false);
    modules.push(made);
    return made;
  };
  const random = (columns: number): Tensor =>
    tensor(
      Float32Array.from({ length: inputs * columns }, () => generator.normal()),
      { shape: [inputs, columns], device },
    );
  try {
    const build = curve.net === 'mlp' ? mlp : resnet;
    const norms = scope(() => {
      const x = random(inputSize).requiresGrad_();
      const { values, differentiated } = build(x, { curve, layer, generator });
      const last = differentiated.at(-1) as Tensor;
      const cotangent = random(last.shape[1] as number);
      const gradients = grad(last, differentiated.slice(0, -1), { gradient: cotangent });
      const rowNorms = (t: Tensor): Tensor => sqrt(sum(square(t.detach()), { dims: [1] }));
      return { x: rowNorms(x), values: values.map(rowNorms), cotangent: rowNorms(cotangent), gradients: gradients.map(rowNorms) };
    });
    const result = {
      forward: await logRatios(norms.values, norms.x),
      backward: await logRatios(norms.gradients, norms.cotangent),
    };
    for (const t of [norms.x, norms.cotangent, ...norms.values, ...norms.gradients]) t.dispose();
    return result;
  } finally {
    for (const module of modules) module.dispose();
  }
}

/** g = 1, or the proposed √(γ fanIn / fanOut). */
function setWeights(
  layer: WeightNormLinear,
  init: NormRatioCurve['init'],
  { gamma, generator }: { gamma: number; generator: Generator },
): void {
  if (init === 'proposed_orthogonal') orthogonal_(layer.weightV, { generator });
  else kaimingNormal_(layer.weightV, { nonlinearity: 'relu', generator });
  const { fanIn, fanOut } = calculateFanInAndFanOut(layer.weightV.shape);
  constant_(layer.weightG, init === 'he_g1' ? 1 : Math.sqrt((gamma * fanIn) / fanOut));
}

interface Builder {
  readonly curve: NormRatioCurve;
  readonly layer: (fanIn: number, fanOut: number, gamma: number) => WeightNormLinear;
  readonly generator: Generator;
}
/** `values` are what the forward ratios are of, `differentiated` what the backward ones are of, the last one the output. */
interface Built {
  readonly values: readonly Tensor[];
  readonly differentiated: readonly Tensor[];
}

function mlp(x: Tensor, { curve, layer, generator }: Builder): Built {
  const values: Tensor[] = [];
  const differentiated: Tensor[] = [];
  let h = x;
  for (let l = 0; l < layersOfMlp; l++) {
    const width = curve.width - 50 + generator.integer(100);
    const z = layer(h.shape[1] as number, width, 2).forward(h);
    h = relu(z);
    values.push(h);
    differentiated.push(z);
  }
  return { values, differentiated };
}

function resnet(x: Tensor, { curve, layer }: Builder): Built {
  const values: Tensor[] = [];
  let h = x;
  for (let b = 0; b < blocksOfResnet; b++) {
    const inner = relu(layer(inputSize, curve.width, 2).forward(h));
    h = add(h, layer(curve.width, inputSize, 1 / blocksOfResnet).forward(inner));
    values.push(h);
  }
  return { values, differentiated: values };
}

/** Logarithm of the mean over inputs of each tensor's norms divided by `base`'s. */
async function logRatios(norms: readonly Tensor[], base: Tensor): Promise<number[]> {
  const below = (await base.read()) as Float32Array;
  const logs: number[] = [];
  for (const norm of norms) {
    const above = (await norm.read()) as Float32Array;
    logs.push(Math.log(above.reduce((total, value, i) => total + value / (below[i] as number), 0) / above.length));
  }
  return logs;
}
