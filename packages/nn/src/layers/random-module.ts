import { type Device, defaultGenerator, type Generator, HostValue, hostNumbers, OpError, type Tensor } from '@initlab/core';
import { showValue } from '@initlab/core/internal';
import { Module } from '../module/module.js';

/**
 * Base of layers that draw random numbers in training. They follow from the layer's seed and the number of its uses alone, so a
 * run repeats bit for bit and goes on from `step`; every use is a step, in compiled steps too.
 */
export abstract class RandomModule extends Module {
  /** Drawn once, when the layer is made. */
  protected readonly seed: number;
  private readonly uses = new HostValue(0);

  constructor(generator: Generator = defaultGenerator()) {
    super();
    if (typeof (generator as Partial<Generator> | null)?.uint32 !== 'function')
      throw new OpError(this.constructor.name, `generator is ${showValue(generator)}; give a Generator, such as new Generator(42)`);
    this.seed = generator.uint32();
  }

  /** Uses so far; part of a run's state. */
  get step(): number {
    return this.uses.value;
  }
  set step(step: number) {
    this.uses.value = step;
  }

  /** Numbers of one use, which counts: made on the host from the uses before it. */
  protected drawn(
    { device, count, dtype, label }: { device: Device; count: number; dtype: 'u32' | 'f32'; label: string },
    numbers: (step: number) => readonly number[],
  ): Tensor {
    const made = hostNumbers({ device, count, dtype, label }, () => numbers(this.uses.value));
    this.uses.change((step) => step + 1);
    return made;
  }
}
