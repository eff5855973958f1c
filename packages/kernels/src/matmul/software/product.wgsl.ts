import { ceilDiv, dispatch, entry, grid, read, readWrite, u32s } from '../../kernel.js';
import type { Dispatch, Plan, Target } from '../../plan.js';
import { unrolled } from '../../range.js';
import { laneMain, sharedLoads, subgroupSize } from '../../software-lanes.js';
import { type MatmulProblem, matmulStrides } from '../shared/problem.js';

const workgroupSize = 32;
/** Places of the shared operand an invocation takes. */
const width = 16;
/** Steps along k at once: sums of one quad of places take their products in a row, 16 registers at a time. */
const steps = 4;

/** An operand seen as [place, k]: its slot, how many places, and elements between places, steps of k, and results. */
interface Operand {
  readonly slot: 'a' | 'b';
  readonly places: number;
  readonly place: number;
  readonly step: number;
  readonly out: number;
}

/**
 * Matrix product for drivers that run on the CPU (the idea is told in conv2d/software/gather): the longer side of the
 * result goes over the invocations, 4 places each; the other operand is packed to [block][k][16], so that a subgroup
 * loads what its invocations share together.
 */
export function planSoftwareMatmul(problem: MatmulProblem, target: Target): Plan {
  const strides = matmulStrides(problem);
  const { m, n, k, bias } = problem;
  const rows: Operand = { slot: 'a', places: m, place: strides.a.row, step: strides.a.column, out: n };
  const columns: Operand = { slot: 'b', places: n, place: strides.b.column, step: strides.b.row, out: 1 };
  const [spread, shared] = n > m ? [columns, rows] : [rows, columns];
  const blocks = ceilDiv(shared.places, width);
  const depth = ceilDiv(k, steps) * steps;
  const placesEach = spread.places >= 4 * workgroupSize ? 4 : 1;
  const kernel: Kernel = {
    placesEach,
    lanes: subgroupSize(target),
    vector: spread.step === 1 && k % 4 === 0,
    ragged: k % steps !== 0,
    bias: bias ? (spread.slot === 'b' ? 'spread' : 'shared') : 'none',
  };
  return {
    variant: `matmul-software-${placesEach}x${width}`,
    temporaries: [{ slot: 'packed', bytes: blocks * depth * width * 4 }],
    dispatches: [
      pack(shared, { k, depth, blocks }, target),
      dispatch(target, {
        family: 'matmul-software',
        about: `A product for a CPU. spread is the operand with more places (rows of a, or columns of b); packed holds the other's, [block][depth][place].
An invocation owns one or four places of spread, and meets with them all places of one block. No barriers.`,
        key: kernel,
        uses: kernel.lanes > 0 ? ['subgroups'] : [],
        bindings: [
          read('spread', kernel.vector ? 'vec4<f32>' : 'f32'),
          read('packed', 'vec4<f32>'),
          ...(bias ? [read('bias')] : []),
          readWrite('y'),
        ],
        slots: { spread: spread.slot },
        scalars: u32s({
          places: spread.places,
          others: shared.places,
          k,
          place: spread.place,
          step: spread.step,
          outPlace: spread.out,
          outOther: shared.out,
        }),
        bake: 'passed',
        flops: 2 * m * n * k,
        workgroups: grid(spread.places, target, { threads: workgroupSize * placesEach, layers: blocks }),
        code: multiply,
      }),
    ],
  };
}

function pack(shared: Operand, { k, depth, blocks }: { k: number; depth: number; blocks: number }, target: Target): Dispatch {
  return dispatch(target, {
    family: 'matmul-pack',
    about: 'One operand to [block][depth][place], zeros past its places and its depth. An invocation owns one element. No barriers.',
    key: {},
    bindings: [read('source'), readWrite('packed')],
    slots: { source: shared.slot },
    scalars: u32s({ depth, blocks, k, places: shared.places, place: shared.place, step: shared.step }),
    workgroups: grid(blocks * depth * width, target),
    code: () => `
${entry('i', `p.blocks * p.depth * ${width}u`)}
  let at = (i / ${width}u) % p.depth;
  let place = i / (${width}u * p.depth) * ${width}u + i % ${width}u;
  var value = 0.0;
  if (at < p.k && place < p.places) { value = source[place * p.place + at * p.step]; }
  packed[i] = value;
}`,
  });
}

/** What the code depends on. */
interface Kernel {
  /** Places of the spread operand an invocation takes. */
  readonly placesEach: 1 | 4;
  /** Invocations of a subgroup; 0 where unknown. */
  readonly lanes: number;
  /** The spread operand is read in vectors along k. */
  readonly vector: boolean;
  /** k is not a whole number of steps. */
  readonly ragged: boolean;
  readonly bias: 'none' | 'spread' | 'shared';
}

function multiply({ placesEach, lanes: size, vector, ragged, bias }: Kernel): string {
  const each = (write: (i: number) => string, between = ' '): string => unrolled(placesEach, between, write);
  const quads = width / 4;
  const weights = sharedLoads('w', steps * quads, { size, read: (i) => `packed[at + ${i}]` });
  const value = (i: number, u: number): string => (vector ? `v${i}.${'xyzw'[u]}` : `v${i}_${u}`);
  const products = unrolled(quads, '\n    ', (q) =>
    unrolled(
      steps,
      ' ',
      (u) => `{ let w = ${weights.vector(u * quads + q)}; ${each((i) => `a${i}_${q} = fma(vec4f(${value(i, u)}), w, a${i}_${q});`)} }`,
    ),
  );
  // What is packed is zero beyond k; the other operand ends there.
  const load = (i: number, u: number): string =>
    ragged
      ? `let v${i}_${u} = select(0.0, spread[base${i} + min(kk + ${u}u, p.k - 1u) * p.step], kk + ${u}u < p.k);`
      : `let v${i}_${u} = spread[base${i} + (kk + ${u}u) * p.step];`;
  const loads = each((i) => (vector ? `let v${i} = spread[(base${i} + kk) / 4u];` : unrolled(steps, ' ', (u) => load(i, u))));
  const store = (i: number, n: number): string => {
    const extra = bias === 'spread' ? ` + bias[place${i}]` : bias === 'shared' ? ` + bias[o + ${n}u]` : '';
    return `if (o + ${n}u < p.others) { y[place${i} * p.outPlace + (o + ${n}u) * p.outOther] = a${i}_${n >> 2}[${n & 3}]${extra}; }`;
  };
  return `
${laneMain(workgroupSize, size)}
  let group = wid.x + wid.y * nwg.x;
  ${each((i) => `let place${i} = group * ${workgroupSize * placesEach}u + ${i * workgroupSize}u + invocation; let base${i} = select(0u, place${i} * p.place, place${i} < p.places);`, '\n  ')}
  ${each((i) => unrolled(quads, ' ', (q) => `var a${i}_${q} = vec4f();`), '\n  ')}
  var at = wid.z * ((p.k + ${steps - 1}u) / ${steps}u) * ${steps * quads}u;
  for (var kk = 0u; kk < p.k; kk += ${steps}u) {
    ${loads}
    ${weights.load}
    ${products}
    at += ${steps * quads}u;
  }
  let o = wid.z * ${width}u;
  ${each((i) => `if (place${i} < p.places) { ${unrolled(width, ' ', (n) => store(i, n))} }`, '\n  ')}
}`;
}
