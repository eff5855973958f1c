import { range, unrolled } from '../range.js';
import { checkedTile, isPowerOfTwo, showTile, type Tile, tileThreads } from '../tile-rules.js';

/** A tile as the kernels take it: matrix products and convolutions. */
export function gemmTile(tile: Tile): Tile {
  const { m, n, k, threadM, threadN } = tile;
  const threads = tileThreads(tile);
  const turns = (entries: number): boolean => entries < threads || entries % threads === 0;
  return checkedTile(tile, showTile(tile), {
    'all sides are powers of two': [m, n, k, threadM, threadN].every(isPowerOfTwo),
    'an invocation owns whole vectors of 4, both ways': threadM % 4 === 0 && threadN % 4 === 0 && k % 4 === 0,
    'invocations divide the block': m % threadM === 0 && n % threadN === 0,
    'an invocation brings in the same quad of the depth, of columns and of rows in every turn': [k / 4, n / 4, m / 4].every(
      (side) => threads % side === 0,
    ),
    'turns that bring a tile in are whole': turns((m * k) / 4) && turns((n * k) / 4),
  });
}

/** Wide tiles for many channels, tall ones for the few channels of CIFAR networks. All sides are powers of two. */
export const gemmTiles: readonly Tile[] = [
  { m: 128, n: 128, k: 16, threadM: 8, threadN: 8 },
  { m: 128, n: 64, k: 16, threadM: 8, threadN: 8 },
  { m: 64, n: 64, k: 16, threadM: 8, threadN: 4 },
  { m: 256, n: 32, k: 16, threadM: 8, threadN: 8 },
  { m: 128, n: 32, k: 16, threadM: 8, threadN: 4 },
  { m: 64, n: 32, k: 16, threadM: 4, threadN: 4 },
  { m: 32, n: 32, k: 16, threadM: 4, threadN: 4 },
  { m: 256, n: 16, k: 16, threadM: 8, threadN: 4 },
  { m: 64, n: 16, k: 16, threadM: 4, threadN: 4 },
  { m: 128, n: 8, k: 16, threadM: 8, threadN: 4 },
].map(gemmTile);

/** For the reader of a dumped kernel: what a tile's numbers mean. */
export const tileAbout = (tile: Tile): string =>
  `Tile ${showTile(tile)}: a workgroup owns ${tile.m} rows and ${tile.n} columns, and takes ${tile.k} of the depth at a step;
each of its ${tileThreads(tile)} invocations owns ${tile.threadM} rows by ${tile.threadN} columns,`;

/** A tile and the number of parts the depth is cut into; parts are added in order by a second dispatch. */
export interface GemmChoice {
  readonly tile: Tile;
  readonly splits: number;
}

/** An operand's part of a tile in workgroup memory: vectors, and the WGSL that makes `value` of entry `i` and that puts it there. */
export interface Carried {
  readonly entries: number;
  readonly load: string;
  readonly put: string;
}

/** Loads on their way at once: more would fill the registers. */
const mostHeld = 8;

/**
 * Carries operands into workgroup memory. On a GPU an invocation's loads are on their way together. A driver that compiles for the CPU
 * would take seconds over that unrolled code for no gain, so there the number of turns depends on the invocation (`lane`).
 */
export function carry(
  operands: readonly Carried[],
  { threads, rolled, lane = 'lane' }: { threads: number; rolled: boolean; lane?: string },
): string {
  if (rolled)
    return operands
      .map(({ entries, load, put }) => `for (var i = ${lane}; i < ${entries}u; i += ${threads}u) { ${load} ${put} }`)
      .join('\n    ');
  const turns = operands.flatMap((operand, o) =>
    range(Math.ceil(operand.entries / threads)).map((turn) => {
      const left = operand.entries - turn * threads;
      return {
        ...operand,
        name: `held${o}_${turn}`,
        open: `${left < threads ? `if (${lane} < ${left}u) ` : ''}{ let i = ${lane} + ${turn * threads}u;`,
      };
    }),
  );
  return range(Math.ceil(turns.length / mostHeld))
    .map((group) => turns.slice(group * mostHeld, (group + 1) * mostHeld))
    .flatMap((group) => [
      ...group.map(({ name, open, load }) => `var ${name}: vec4f; ${open} ${load} ${name} = value; }`),
      ...group.map(({ name, open, put }) => `${open} let value = ${name}; ${put} }`),
    ])
    .join('\n    ');
}

/** Where an entry's four numbers lie: a place of the array and whether it is there (`false`: always), of its one vector (`0`) or of each number. */
export interface Quad {
  readonly vector: boolean;
  readonly at: (e: number) => string;
  readonly here: false | ((e: number) => string);
}

/**
 * WGSL of `value`, four numbers of an array, zero where they are not there. Those are read from its first place and dropped: behind a
 * branch, each load of an invocation would wait for the one before it.
 */
export function loadQuad(array: string, { vector, at, here }: Quad): string {
  if (!here) {
    const whole = vector ? `${array}[${at(0)}]` : unrolled(4, ', ', (e) => `f32(${array}[${at(e)}])`);
    return `let value = vec4f(${whole});`;
  }
  if (vector) return `let here = ${here(0)}; let value = select(vec4f(), vec4f(${array}[select(0u, ${at(0)}, here)]), here);`;
  const one = (e: number): string =>
    `{ let here = ${here(e)}; value[${e}] = select(0.0, f32(${array}[select(0u, ${at(e)}, here)]), here); }`;
  return `var value = vec4f();
      ${unrolled(4, '\n      ', one)}`;
}
