import { add, type Device, groupNorm, mul, reshape, sigmoid, sub, type Tensor } from '@initlab/core';
import { groupsFor, Module, Parameter } from '@initlab/nn';

/**
 * A norm that may let its input through: y = g · GN(x) + (1 − g) · x per channel, with a learned gate g = σ(ρ), ρ = 2 at
 * first, and an affine after it.
 */
export class GatedGroupNorm extends Module {
  gate: Parameter;
  weight: Parameter;
  bias: Parameter;

  constructor(
    readonly numFeatures: number,
    { device }: { device?: Device | undefined } = {},
  ) {
    super();
    this.gate = new Parameter([numFeatures], { device, value: 2 });
    this.weight = new Parameter([numFeatures], { device, value: 1 });
    this.bias = new Parameter([numFeatures], { device, value: 0 });
  }

  override forward(x: Tensor): Tensor {
    const perChannel = (p: Parameter): Tensor => reshape(p, [1, this.numFeatures, 1, 1]);
    const normal = groupNorm(x, { groups: groupsFor(this.numFeatures) });
    const gate = sigmoid(perChannel(this.gate));
    const mixed = add(mul(gate, normal), mul(sub(1, gate), x));
    return add(mul(mixed, perChannel(this.weight)), perChannel(this.bias));
  }
}
