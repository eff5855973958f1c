import {
  backward,
  type CompiledStep,
  type CompileOptions,
  compile,
  crossEntropy,
  type Device,
  Generator,
  type Tensor,
  tensor,
} from '@initlab/core';
import { createModel, modelImageSize } from '@initlab/models';
import { Adam, LossScaler, SGD } from '@initlab/nn';

/** A compiled step of training on one fixed random batch, and how to free it. */
export interface ZooStep {
  readonly step: CompiledStep<Tensor>;
  dispose(): void;
}

export interface ZooStepOptions {
  readonly model: string;
  /** A name of the norm registry in place of the model's own. */
  readonly norm?: string;
  readonly batch: number;
  /** `mixed` trains with a loss scaler. */
  readonly precision?: 'f32' | 'mixed';
  /** Rewrites to switch off (see `compile`). */
  readonly rewrites?: CompileOptions['rewrites'];
}

/** Forward, backward, update (SGD with momentum; simple-cnn: Adam) on images of the size that the model was designed for. */
export function zooStep(device: Device, { model: name, norm, batch, precision = 'f32', rewrites = {} }: ZooStepOptions): ZooStep {
  const generator = new Generator(1);
  const model = createModel(name, { numClasses: 10, device, generator, ...(norm === undefined ? {} : { norm }) });
  const size = modelImageSize(name);
  const images = tensor(
    Float32Array.from({ length: batch * 3 * size * size }, () => generator.normal()),
    { shape: [batch, 3, size, size], format: 'channelsLast', device },
  );
  const labels = tensor(
    Int32Array.from({ length: batch }, () => generator.integer(10)),
    { dtype: 'i32', device },
  );
  const optimizer =
    name === 'simple-cnn' ? new Adam(model.parameters(), { lr: 1e-3 }) : new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const scaler = precision === 'mixed' ? new LossScaler({ device }) : undefined;
  const step = compile(
    () => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(images), labels);
      if (scaler) {
        backward(scaler.scale(loss));
        scaler.step(optimizer);
      } else {
        backward(loss);
        optimizer.step();
      }
      return loss;
    },
    { device, precision, rewrites },
  );
  return {
    step,
    dispose: () => {
      for (const part of [step, optimizer, model, images, labels, scaler]) part?.dispose();
    },
  };
}

/** What the reference measurements use: 64 for simple-cnn, 8 on a CPU driver, 128 on a GPU. */
export const usualBatch = (model: string, { caps }: Device): number => (model === 'simple-cnn' ? 64 : caps.software ? 8 : 128);
