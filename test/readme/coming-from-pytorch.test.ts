import { readFileSync } from 'node:fs';
import * as core from '@initlab/core';
import * as models from '@initlab/models';
import * as nn from '@initlab/nn';
import { expect, it } from 'vitest';

const page = readFileSync(new URL('../../docs/coming-from-pytorch.md', import.meta.url), 'utf8');
/** Names in code spans of prose and of the tables' right column, which are ours; what stands left is PyTorch's. */
const ours = page
  .split('\n')
  .map((line) => (line.startsWith('|') ? line.split('|')[2] : line) ?? '')
  .flatMap((text) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string));
const named = new Set(ours.flatMap((code) => code.match(/^(?:await |new )?([\w.]+)/)?.[1] ?? []));

/** What packages of this repository want of each other, and no program needs that trains a net. (core's has an entry: `@initlab/core/internal`.) */
const between: ReadonlySet<string> = new Set(
  ['apply', 'applyOne', 'fromHalf', 'toHalf', 'sumTo', 'rewriteNames', 'tensorMethods'].concat([
    'differentiableUnary',
    'fillWith',
    'firsts',
    'kaimingStd',
    'randomOrthonormal',
    'RandomModule',
  ]),
);

it('every function and class of core, nn and models stands on the page', () => {
  const exported = [core, nn, models].flatMap((all) => Object.keys(all));
  expect(exported.filter((name) => !named.has(name) && !between.has(name)).sort()).toEqual([]);
  expect([...between].filter((name) => !exported.includes(name) || named.has(name))).toEqual([]);
});

it('and what the page calls ours is there', () => {
  const methods = new Set([...core.tensorMethods, ...Object.getOwnPropertyNames(core.Tensor.prototype)]);
  const known: Record<string, unknown> = { ...core, ...nn, ...models };
  const exists = (name: string): boolean => {
    const [first = '', second] = name.split('.');
    if (second === undefined) return first in known;
    return first === 'x' || first === 'loss' ? methods.has(second) : first === 'init' ? second in nn.init : true;
  };
  const words = new Set([
    'f32',
    'format',
    'kaiming_normal_',
    'detach',
    'INITLAB_DEBUG',
    'x',
    'ResidentDataset',
    'loadImageFolder',
    'nn.init',
  ]);
  expect([...named].filter((name) => !exists(name) && !words.has(name))).toEqual([]);
});
