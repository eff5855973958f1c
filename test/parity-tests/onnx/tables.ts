import type { Table } from './call.js';
import { indices } from './indices.js';
import { losses } from './losses.js';
import { norms } from './norms.js';
import { pointwise } from './pointwise.js';
import { pools } from './pools.js';
import { products } from './products.js';
import { reductions } from './reductions.js';
import { resizing } from './resizing.js';
import { shapes } from './shapes.js';

/** Every operator but the optimisers'. */
export const operators: Table = {
  ...pointwise,
  ...reductions,
  ...indices,
  ...shapes,
  ...products,
  ...pools,
  ...norms,
  ...losses,
  ...resizing,
};

/** These move numbers or count: what they give is the reference's to the bit. */
export const exact: ReadonlySet<string> = new Set([...Object.keys(shapes), 'Gather', 'GatherElements', 'ArgMax', 'ArgMin', 'Identity']);
