import { abs, amax, cast, copyInto, lessEqual, scope, sub, sum, Tensor, where } from '@initlab/core';
import type { Plan, Tunable } from '@initlab/core/internal';

/**
 * What a problem's reference kernel makes, and how far a candidate may be from it. The first output is compared on the
 * device, so that a GPU's time goes into candidates and not into reading tens of megabytes back for each; of the second only
 * the totals are looked at, since tiles divide it differently.
 */
export class Expected {
  private constructor(
    private readonly problem: Tunable,
    private readonly values: Tensor,
    /** Error allowed of a value. */
    private readonly tolerance: number,
    /** The same of the totals, in units of their largest. */
    private readonly allowed: number,
    private readonly totals: ArrayLike<number> | undefined,
  ) {}

  /** From what the reference has just left in `outputs`; `allowed` in units of the largest value. */
  static async of(
    problem: Tunable,
    { reference, outputs, allowed }: { reference: Plan; outputs: readonly Tensor[]; allowed: number },
  ): Promise<Expected> {
    const [y, sums] = outputs as [Tensor, Tensor | undefined];
    const values = Tensor.allocate(y.device, y.spec, 'values of the reference kernel');
    copyInto(values, y);
    const largest = await read(() => amax(abs(cast(values, 'f32'))));
    const totals = problem.totals && sums ? problem.totals.of(await sums.read(), reference) : undefined;
    return new Expected(problem, values, allowed * largest, allowed, totals);
  }

  /** Where a candidate's outputs are wrong; undefined when they are right. */
  async differs(plan: Plan, [y, sums]: readonly Tensor[]): Promise<string | undefined> {
    const off = await read(() => {
      const error = abs(sub(cast(y as Tensor, 'f32'), cast(this.values, 'f32')));
      // A NaN is not at most anything, so it counts.
      return sum(where(lessEqual(error, this.tolerance), 0, 1));
    });
    if (off > 0) return firstError('value', await (y as Tensor).read(), { expected: await this.values.read(), tolerance: this.tolerance });
    if (!this.totals || !this.problem.totals || !sums) return undefined;
    const expected = this.totals;
    let largest = 0;
    for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i] as number));
    return firstError('total', this.problem.totals.of(await sums.read(), plan), { expected, tolerance: this.allowed * largest });
  }

  dispose(): void {
    this.values.dispose();
  }
}

async function read(body: () => Tensor): Promise<number> {
  const made = scope(body);
  const value = await made.item();
  made.dispose();
  return value;
}

function firstError(
  what: string,
  got: ArrayLike<number>,
  { expected, tolerance }: { expected: ArrayLike<number>; tolerance: number },
): string | undefined {
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs((got[i] as number) - (expected[i] as number));
    // Written so that a NaN is wrong too.
    if (!(error <= tolerance)) return `${what} ${i} is off by ${error.toPrecision(2)}, allowed ${tolerance.toPrecision(2)}`;
  }
  return undefined;
}
