interface TilePlace {
  readonly tile: { readonly m: number; readonly n: number };
  /** Expressions of the product's sizes; the depth is that of all parts. */
  readonly rows: string;
  readonly columns: string;
  readonly depth: string;
  /** Products of so many groups, `g` is the workgroup's; columns are counted in vectors of four then. */
  readonly grouped?: boolean;
  /** Why tiles are in this order. */
  readonly why?: string;
}

/**
 * WGSL: which tile of a product a workgroup owns, from `row0` and `column0` on, and which part of the depth it takes, from `at` to `last`.
 * Columns run fastest, then rows, then groups, then the parts.
 */
export function tilePlace({ tile: { m, n }, rows, columns, depth, grouped = false, why }: TilePlace): string {
  const [index, part, count] = grouped ? ['z', 'z / p.groups', 'p.groups * p.splits'] : ['part', 'part', 'p.splits'];
  return `let columnTiles = (${columns} + ${n - 1}u) / ${n}u;
  let tiles = columnTiles * ((${rows} + ${m - 1}u) / ${m}u);${why ? `\n  // ${why}` : ''}
  let block = wid.x + wid.y * nwg.x;
  let ${index} = block / tiles;
  if (${index} >= ${count}) { return; }${grouped ? '\n  let g = z % p.groups;' : ''}
  let column0 = block % tiles % columnTiles * ${grouped ? n / 4 : n}u;
  let row0 = block % tiles / columnTiles * ${m}u;
  var at = ${part} * p.depth;
  let last = min(at + p.depth, ${depth});`;
}
