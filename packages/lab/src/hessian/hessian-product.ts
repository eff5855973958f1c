import { add, type CompiledStep, compile, crossEntropy, type Device, grad, mul, sum, type Tensor, tensor } from '@initlab/core';
import type { ResidentDataset } from '@initlab/data';
import { Dropout, type Module } from '@initlab/nn';

export interface HessianProductOptions {
  readonly model: Module;
  readonly images: ResidentDataset;
  readonly device: Device;
  readonly labelSmoothing?: number;
  /** Random crops and the like, where `images` has them. Default false. */
  readonly augment?: boolean;
}

/**
 * Products of the training loss's Hessian with vectors, exact: the gradient of (gradient · v), through our kernels' second
 * derivatives. The model is in training mode, with batch norm's statistics of each batch; dropout is off. PyTorch:
 * `torch.autograd.grad(grad_v, params)` of a `create_graph` gradient.
 */
export class HessianProduct {
  /** Of a vector: the parameters one after the other, as the model names them. */
  readonly size: number;
  private readonly parameters: readonly Tensor[];
  private readonly direction: readonly Tensor[];
  private readonly step: CompiledStep<Tensor[]>;

  constructor({ model, images: source, device, labelSmoothing = 0, augment = false }: HessianProductOptions) {
    this.parameters = model.parameters();
    this.size = this.parameters.reduce((total, p) => total + p.size, 0);
    this.direction = this.parameters.map((p) => tensor(new Float32Array(p.size), { shape: p.shape, device }));
    model.train();
    for (const module of model.modules()) if (module instanceof Dropout) module.eval();
    this.step = compile(
      (index: Tensor) => {
        const { images, labels } = source.batch(index, { augment });
        const loss = crossEntropy(model.forward(images), labels, { labelSmoothing });
        const gradients = grad(loss, this.parameters, { createGraph: true });
        const slopes = gradients.map((g, i) => sum(mul(g, this.direction[i] as Tensor)));
        return grad(
          slopes.reduce((a, b) => add(a, b)),
          this.parameters,
        );
      },
      { device },
    );
  }

  /** H · v, the mean over the images of these batches. */
  async times(v: Float64Array, batches: readonly Int32Array[]): Promise<Float64Array> {
    let offset = 0;
    for (const part of this.direction) {
      part.set(Float32Array.from(v.subarray(offset, offset + part.size)));
      offset += part.size;
    }
    const product = new Float64Array(this.size);
    const images = batches.reduce((total, batch) => total + batch.length, 0);
    for (const batch of batches) {
      const parts = this.step(batch);
      const values = await Promise.all(parts.map((part) => part.read()));
      for (const part of parts) part.dispose();
      let at = 0;
      for (const part of values)
        for (const value of part) {
          product[at] = (product[at] as number) + (Number(value) * batch.length) / images;
          at++;
        }
    }
    return product;
  }

  dispose(): void {
    this.step.dispose();
    for (const part of this.direction) part.dispose();
  }
}
