import { add, type Device, defineOp, ones, openDevice, type Tensor, tensor } from '@initlab/core';
import { runPlan } from '@initlab/core/internal';
import type { Dispatch, Plan } from '@initlab/kernels';

/** A plan of one dispatch that reads `x` and writes `y`, with whatever is wrong about it. */
export function planWith(wrong: Partial<Dispatch>, body = 'y[0] = x[0] + 1;'): Plan {
  const source = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { ${body} }`;
  const kernel = { name: `faulty ${body}`, bindings: ['read', 'readWrite'] as const, scalarBytes: 0, uses: [], source: () => source };
  const dispatch: Dispatch = { kernel, slots: ['x', 'y'], scalars: new ArrayBuffer(0), workgroups: [1, 1, 1], ...wrong };
  return { variant: 'faulty', dispatches: [dispatch], temporaries: [] };
}

export const faultyOp = defineOp<null>()({
  name: 'faulty',
  inputs: ['x'],
  outputs: ['y'],
  infer: ({ x }) => ({ y: x }),
  plan: () => planWith({}),
});

export function runFaulty(plan: Plan, x: Tensor, y: Tensor): void {
  runPlan(plan, { op: faultyOp, inputs: { x }, outputs: { y } });
}

const outcome = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work();
    return 'went well';
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message.split('\n')[0]}`;
  }
};

/** What becomes of a device after a kernel that does not compile, and of the reads under way when a device is lost. */
export async function run(): Promise<{ bad: string; good: number; made: number; again: string; lost: string[]; after: number }> {
  const device = await openDevice();
  const before = ones([4], { device });
  const y = tensor([0, 0, 0, 0], { device });
  const bad = await outcome(() => {
    runFaulty(planWith({}, 'no WGSL'), before, y);
    return y.read();
  });
  const [good = Number.NaN] = await add(before, 1).read();
  const [made = Number.NaN] = await ones([2], { device }).read();
  const again = await outcome(() => {
    runFaulty(planWith({}, 'no WGSL'), before, y);
    return y.read();
  });
  const lost = await readsAtLoss(device);
  await openDevice();
  const [after = Number.NaN] = await ones([1]).read();
  return { bad, good, made, again, lost, after };
}

async function readsAtLoss(device: Device): Promise<string[]> {
  let x = ones([1 << 16], { device });
  for (let i = 0; i < 50; i++) x = add(x, 1);
  const reads = [x.read(), x.read(), device.sync()].map((read) => outcome(() => read));
  await device.simulateLoss();
  return Promise.all(reads);
}
