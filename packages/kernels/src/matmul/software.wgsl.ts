import { ceilDiv, dispatch, linearGroups, read, readWrite, u32, uniform } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { type MatmulProblem, matmulStrides } from './problem.js';

const lanes = 32;
const width = 16;

/**
 * Matrix product for drivers that run on the CPU (the idea is told in conv2d/software-gather): the longer side of the
 * result goes over the invocations, 4 places each; the other operand is packed to [part of k][block][k][16] and comes
 * from a uniform buffer. One dispatch a part of k; the parts add up in the result, in order.
 */
export function planSoftwareMatmul(problem: MatmulProblem, target: Target): Plan {
  const strides = matmulStrides(problem);
  const { k, bias } = problem;
  // `spread` runs over invocations, `shared` is packed. Both are described as [place, k].
  const overColumns = problem.n > problem.m;
  const spread = overColumns
    ? { slot: 'b', places: problem.n, place: strides.b.column, depth: strides.b.row, out: 1 }
    : { slot: 'a', places: problem.m, place: strides.a.row, depth: strides.a.column, out: problem.n };
  const shared = overColumns
    ? { slot: 'a', places: problem.m, place: strides.a.row, depth: strides.a.column, out: problem.n }
    : { slot: 'b', places: problem.n, place: strides.b.column, depth: strides.b.row, out: 1 };

  const blocks = ceilDiv(shared.places, width);
  const room = Math.floor(target.maxUniformBinding / (width * 4));
  // As many blocks as leave a part of k worth its dispatch, and parts as even as possible.
  const perDispatch = Math.max(1, Math.min(blocks, Math.floor(room / Math.min(k, 64))));
  // Depths are whole vectors, and must still fit when they are rounded up to one.
  const parts = ceilDiv(k, Math.max(4, Math.floor(room / perDispatch / 4) * 4));
  const depth = ceilDiv(ceilDiv(k, parts), 4) * 4;
  const pixelsEach = spread.places >= 4 * lanes ? 4 : 1;
  const groups = ceilDiv(spread.places, lanes * pixelsEach);
  const vector = spread.depth === 1 && k % 4 === 0;
  const variant = `matmul-software-${pixelsEach}x${width}${parts > 1 ? `-parts${parts}` : ''}`;

  const dispatches: Dispatch[] = [
    dispatch(target, {
      name: 'matmul-pack',
      bindings: [read('source'), readWrite('packed')],
      slots: { source: shared.slot },
      scalars: {
        depth: u32(depth),
        blocks: u32(blocks),
        parts: u32(parts),
        k: u32(k),
        places: u32(shared.places),
        place: u32(shared.place),
        step: u32(shared.depth),
      },
      workgroups: linearGroups(ceilDiv(parts * blocks * depth * width, 64), target),
      code: () => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.parts * p.blocks * p.depth * ${width}u) { return; }
  let within = (i / ${width}u) % p.depth;
  let block = (i / (${width}u * p.depth)) % p.blocks;
  let k = (i / (${width}u * p.depth * p.blocks)) * p.depth + within;
  let place = block * ${width}u + i % ${width}u;
  var value = 0.0;
  if (k < p.k && place < p.places) { value = source[place * p.place + k * p.step]; }
  packed[i] = value;
}`,
    }),
  ];
  const blockBytes = depth * width * 4;
  for (let part = 0; part < parts; part++)
    for (let first = 0; first < blocks; first += perDispatch) {
      const count = Math.min(perDispatch, blocks - first);
      const range = { slot: 'packed', offset: (part * blocks + first) * blockBytes, bytes: perDispatch * blockBytes };
      const kind = { first: part === 0, bias: bias && part === parts - 1 };
      dispatches.push(
        dispatch(target, {
          name: `${variant}${vector ? '-v4' : ''}${kind.first ? '' : '-add'}${kind.bias ? (overColumns ? '-biasSpread' : '-biasShared') : ''}-${perDispatch}`,
          bindings: [
            read('spread', vector ? 'vec4<f32>' : 'f32'),
            uniform('packed', `array<vec4<f32>, ${(perDispatch * blockBytes) / 16}>`),
            ...(kind.bias ? [read('bias')] : []),
            readWrite('y'),
          ],
          slots: { spread: spread.slot, packed: range },
          constants: {
            places: u32(spread.places),
            others: u32(shared.places),
            depth: u32(depth),
            k: u32(k),
            place: u32(spread.place),
            step: u32(spread.depth),
            outPlace: u32(spread.out),
            outOther: u32(shared.out),
          },
          scalars: { k0: u32(part * depth), first: u32(first * width) },
          neverBake: true,
          flops: 2 * spread.places * Math.min(count * width, shared.places - first * width) * Math.min(depth, k - part * depth),
          workgroups: [...linearGroups(groups, target).slice(0, 2), count] as unknown as [number, number, number],
          code: () =>
            multiply({ pixelsEach, vector, add: !kind.first, bias: kind.bias ? (overColumns ? 'spread' : 'shared') : 'none', groups }),
        }),
      );
    }
  // The last range is bound whole even when it holds fewer blocks.
  const bytes = (parts * blocks + perDispatch) * blockBytes;
  return { variant, temporaries: [{ slot: 'packed', bytes }], dispatches };
}

interface Multiply {
  readonly pixelsEach: number;
  readonly vector: boolean;
  readonly add: boolean;
  readonly bias: 'none' | 'spread' | 'shared';
  readonly groups: number;
}

function multiply({ pixelsEach, vector, add, bias, groups }: Multiply): string {
  const each = (write: (i: number) => string): string => Array.from({ length: pixelsEach }, (_, i) => write(i)).join('\n  ');
  const quads = [0, 1, 2, 3];
  const step = vector ? 4 : 1;
  const products = Array.from({ length: step }, (_, u) => {
    const part = vector ? `.${'xyzw'[u]}` : '';
    const load = quads.map((q) => `let w${q} = packed[at + ${u * 4 + q}u];`).join(' ');
    return `{ ${load} ${each((i) => quads.map((q) => `a${i}_${q} = fma(vec4f(v${i}${part}), w${q}, a${i}_${q});`).join(' '))} }`;
  });
  const store = (i: number, n: number): string => {
    const to = `y[place${i} * outPlace + (o + ${n}u) * outOther]`;
    const extra = bias === 'spread' ? ` + bias[place${i}]` : bias === 'shared' ? ` + bias[o + ${n}u]` : '';
    return `if (o + ${n}u < others) { ${to} = ${add ? `${to} + ` : ''}a${i}_${n >> 2}[${n & 3}]${extra}; }`;
  };
  return `
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.x + wid.y * nwg.x;
  if (group >= ${groups}u) { return; }
  ${each((i) => `let place${i} = group * ${lanes * pixelsEach}u + ${i * lanes}u + lane; let live${i} = place${i} < places; let base${i} = select(0u, place${i} * place, live${i});`)}
  ${each((i) => quads.map((q) => `var a${i}_${q} = vec4f();`).join(' '))}
  var at = wid.z * depth * 4u;
  let last = min(p.k0 + depth, k);
  for (var kk = p.k0; kk < last; kk += ${step}u) {
    ${each((i) => `let v${i} = spread[${vector ? `(base${i} + kk) / 4u` : `base${i} + kk * step`}];`)}
    ${products.join('\n    ')}
    at += ${step * 4}u;
  }
  let o = p.first + wid.z * ${width}u;
  ${each((i) => `if (live${i}) { ${Array.from({ length: width }, (_, n) => store(i, n)).join(' ')} }`)}
}`;
}
