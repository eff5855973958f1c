import { describe, expect, it } from 'vitest';
import * as ops from '../../packages/core/src/ops/index.js';
import { lossCases } from './cases/losses.js';
import { normCases } from './cases/norms.js';
import { otherCases } from './cases/others.js';
import { pointwiseCases } from './cases/pointwise.js';
import { poolCases } from './cases/pools.js';
import { productCases } from './cases/products.js';
import { reduceCases } from './cases/reduce.js';
import { shapeCases } from './cases/shapes.js';
import { runCases } from './run-cases.js';
import type { ZeroCases } from './zero-case.js';

const families: Readonly<Record<string, ZeroCases>> = {
  'element ops': pointwiseCases,
  reductions: reduceCases,
  shapes: shapeCases,
  products: productCases,
  norms: normCases,
  poolings: poolCases,
  losses: lossCases,
  others: otherCases,
};

it('every op has its cases of size zero', () => {
  const known = new Set(Object.values(families).flatMap(Object.keys));
  const exported = Object.entries(ops).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
  expect(exported.filter((name) => !known.has(name))).toEqual([]);
});

describe.each(Object.entries(families))('sizes of zero: %s', (_, cases) => runCases(cases));
