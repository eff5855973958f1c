import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AdapterKernels,
  alongAxes,
  type Conv2dProblem,
  conv2dCandidates,
  conv2dOutputSize,
  dispatch,
  f32,
  heightWidth,
  type Kernel,
  matmulCandidates,
  type Plan,
  planMoments,
  planNormApply,
  planNormGrad,
  planNormStats,
  planPool,
  planReduce,
  planSoftmax,
  s16,
  type Target,
  u8,
  u32,
} from '@initlab/kernels';
import * as planners from '@initlab/kernels/adapter-kernels';
import fc from 'fast-check';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { openNullGpu } from '../support/null-gpu.js';
import { matrixTarget } from './support/matrix-emulation.js';

const gpu: Target = {
  adapter: 'a GPU, planned without one',
  software: false,
  f16: true,
  subgroups: true,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  subgroupMatrix: [],
  immediates: true,
  maxWorkgroupStorage: 49152,
  maxInvocations: 1024,
  maxWorkgroups: 65535,
  maxStorageBuffers: 16,
  maxStorageBinding: 2 ** 27,
  maxUniformBinding: 65536,
  bake: true,
  adapterKernels: new AdapterKernels(planners),
};
const targets: readonly Target[] = [
  gpu,
  { ...gpu, bake: false },
  { ...gpu, bake: false, immediates: false },
  { ...gpu, rolled: true },
  { ...gpu, software: true, subgroupMinSize: 8, subgroupMaxSize: 8 },
  { ...gpu, software: true, subgroupMinSize: 4, subgroupMaxSize: 8, bake: false },
  matrixTarget(gpu),
  matrixTarget(gpu, { splitF32: true, typedMatrixMemory: true, bake: false }),
];

const dtype = fc.constantFrom('f32' as const, 'f16' as const);
const channels = fc.constantFrom(1, 3, 4, 6, 8, 16, 24, 32);
const side = fc.constantFrom(1, 2, 3);
const conv2d: fc.Arbitrary<Conv2dProblem> = fc
  .record({
    ...{ batch: fc.constantFrom(1, 32), inChannels: channels, outChannels: channels, inHeight: fc.constantFrom(8, 9, 16) },
    ...{ inWidth: fc.constantFrom(8, 12, 16), kernelHeight: side, kernelWidth: side, stride: fc.tuple(side, side) },
    ...{
      padding: fc.tuple(side, side),
      dilation: fc.tuple(side, side),
      dtype,
      weightDtype: dtype,
      bias: fc.boolean(),
      grouped: fc.boolean(),
    },
  })
  .map(({ grouped, ...p }) =>
    grouped ? { ...p, groups: p.inChannels, outChannels: p.inChannels * (p.outChannels % 2 === 0 ? 1 : 2) } : { ...p, groups: 1 },
  )
  .filter((p) => Math.min(...conv2dOutputSize(p)) > 0);
const matmul = fc.record({
  ...{
    m: channels,
    n: channels,
    k: fc.constantFrom(3, 64, 2048),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    dtype,
    bias: fc.boolean(),
  },
});
const norm = fc.record({
  ...{ segments: fc.constantFrom(1, 4), rows: fc.constantFrom(4, 300), channels: fc.constantFrom(3, 8, 64), of: fc.constantFrom(1, 2, 0) },
  ...{ eps: fc.constant(1e-5), dtype, affine: fc.boolean(), residual: fc.boolean(), addend: fc.boolean() },
  activation: fc.constantFrom('relu' as const, 'relu6' as const, undefined),
});
const reduction = fc.record({
  shape: fc.array(fc.constantFrom(1, 3, 4, 40), { minLength: 3, maxLength: 3 }),
  reduced: fc.tuple(...Array.from({ length: 3 }, () => fc.boolean())),
  dtype,
});

/** Plans of a random problem of each family, on a random target. */
const plans: fc.Arbitrary<readonly Plan[]> = fc
  .tuple(fc.constantFrom(...targets), fc.record({ conv2d, matmul, norm, reduction, size: channels, flag: fc.boolean() }))
  .map(
    ([
      target,
      {
        conv2d,
        matmul,
        norm: { of, ...norm },
        reduction,
        size,
        flag,
      },
    ]) => {
      const groups = of === 0 || norm.channels % of !== 0 ? norm.channels : of;
      const pool = { ...conv2d, channels: size, kernel: [2, 2] as const, stride: [flag ? 2 : 1, 2] as const, padding: [0, 0] as const };
      return [
        ...(['forward', 'gradInput', 'gradWeight'] as const).flatMap((direction) => conv2dCandidates(conv2d, direction, target)),
        ...matmulCandidates(matmul, target),
        planNormStats({ ...norm, groups }, target, norm.segments === 1 && flag ? { momentum: 0.1 } : undefined),
        planNormApply({ ...norm, groups }, target),
        planNormGrad({ ...norm, groups }, target, flag),
        planReduce({ ...reduction, kind: flag ? 'sum' : 'max' }, target),
        planMoments({ ...reduction, scale: 0.5, ...(flag ? { unit: 2 } : {}) }, target),
        planSoftmax({ outer: size, classes: conv2d.inWidth * 4, inner: 1, log: flag }, flag ? 'forward' : 'backward', target),
        ...(['max', 'maxGrad', 'avg', 'avgGrad'] as const).map((kind) => planPool(pool, kind, target)),
      ];
    },
  );

it('equal names mean equal kernels, whatever the problem and the adapter', () => {
  const known = new Map<string, Kernel>();
  const facts = ({ bindings, scalarBytes, uses, source }: Kernel) => ({ bindings, scalarBytes, uses, text: source() });
  let met = 0;
  fc.assert(
    fc.property(plans, (made) => {
      for (const { kernel } of made.flatMap((plan) => plan.dispatches)) {
        const before = known.get(kernel.name);
        if (before && met++ % 4 === 0) expect(facts(kernel), kernel.name).toEqual(facts(before));
        known.set(kernel.name, kernel);
      }
    }),
    { numRuns: 150, seed: 14 },
  );
  expect(known.size).toBeGreaterThan(300);
  expect(met).toBeGreaterThan(300);
});

it('every text is valid WGSL, sizes as constants too', { timeout: 60_000 }, async () => {
  const { device: compiler } = await openNullGpu();
  const seen = new Set<string>();
  const said: string[] = [];
  for (const made of fc.sample(plans, { numRuns: 60, seed: 15 }))
    for (const { kernel } of made.flatMap((plan) => plan.dispatches)) {
      // One text of each family and way of passing scalars is enough of most; phases without taps are rare.
      const kind = `${kernel.name.replace(/ \[.*/, '')}${kernel.name.includes('Width=0') ? ' no taps' : ''}${kernel.name.includes('[') ? ' baked' : ''}`;
      if (seen.has(kind)) continue;
      seen.add(kind);
      const { messages } = await compiler.createShaderModule({ code: kernel.source() }).getCompilationInfo();
      said.push(...messages.filter((m) => m.type === 'error').map((m) => `${kernel.name}: ${m.lineNum}: ${m.message}`));
    }
  expect(said).toEqual([]);
});

const told = {
  ...heightWidth('source', [32, 24]),
  ...alongAxes('step', [-1, 2], s16),
  channels: u32(64),
  taps: u8(3),
  first: u8(200),
  scale: f32(0.5),
};
const code = (): string => 'fn f() -> u32 { return p.sourceHeight + p.sourceWidth + p.stepY + p.stepX + p.channels + p.taps + p.first; }';
const spec = {
  family: 'told',
  key: { dtype: 'f16', wide: true, tall: false, lanes: 8 },
  bindings: [],
  scalars: told,
  workgroups: [1, 1, 1],
  code,
} as const;

it('what a kernel is told stands in its text by name, or shares words', () => {
  const baked = dispatch(gpu, spec).kernel;
  expect(baked.name).toMatch(/^told dtype=f16 wide lanes=8 \[sourceHeight=32,.*stepY=-1,/);
  expect(baked.source()).toContain('const channels = 64u;\n');
  expect(baked.source()).toContain('const stepY = 4294967295u /* -1 */;\n');
  const passed = dispatch({ ...gpu, bake: false }, spec);
  expect(passed.kernel.name).toBe('told dtype=f16 wide lanes=8');
  expect(passed.kernel.scalarBytes).toBe(20);
  const words = new Uint32Array(passed.scalars);
  expect([...words]).toEqual([32 | (24 << 16), 0xffff | (2 << 16), 64, 3 | (200 << 8), 0x3f000000]);
  expect(passed.kernel.source()).toContain('(p.sourceHeight_sourceWidth & 65535u) + (p.sourceHeight_sourceWidth >> 16u)');
});

it('a number that its bits do not hold is refused', () => {
  expect(() => dispatch(gpu, { ...spec, scalars: { taps: u8(256) } })).toThrow(/taps is 256/);
  expect(() => dispatch(gpu, { ...spec, scalars: alongAxes('pad', [0x8000, 0], s16) })).toThrow(/padY is 32768/);
});

/** What is handed in beside the family and the key that name it. */
const handedIn = new Set(['map', 'sums', 'o']);

it('code reads nothing but its key and what its file declares, and tells its reader about itself', () => {
  const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../packages/kernels/src');
  const found: string[] = [];
  let seen = 0;
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))) {
    const file = path.join(root, name);
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    const declared = new Set<string>(['Array', 'Object', 'Math', 'String', 'Number', 'undefined']);
    const declare = (node: ts.Node, into: Set<string>): void => {
      if (
        (ts.isVariableDeclaration(node) ||
          ts.isParameter(node) ||
          ts.isBindingElement(node) ||
          ts.isFunctionDeclaration(node) ||
          ts.isImportSpecifier(node)) &&
        node.name &&
        ts.isIdentifier(node.name)
      )
        into.add(node.name.text);
    };
    for (const statement of source.statements) {
      const visit = (node: ts.Node): void => {
        declare(node, declared);
        if (!ts.isFunctionLike(node) && !ts.isBlock(node)) ts.forEachChild(node, visit);
      };
      visit(statement);
    }
    const check = (made: ts.Expression): void => {
      seen++;
      const own = new Set<string>();
      const collect = (node: ts.Node): void => {
        declare(node, own);
        ts.forEachChild(node, collect);
      };
      collect(made);
      /** What of a node may be a name that is read. */
      const parts = (node: ts.Node): readonly ts.Node[] => {
        if (ts.isTypeNode(node)) return [];
        if (ts.isPropertyAccessExpression(node)) return [node.expression];
        if (ts.isPropertyAssignment(node)) return [node.initializer];
        if (ts.isBindingElement(node)) return node.initializer ? [node.initializer] : [];
        const all: ts.Node[] = [];
        ts.forEachChild(node, (child) => void all.push(child));
        return all;
      };
      const read = (node: ts.Node): void => {
        if (ts.isIdentifier(node) && !own.has(node.text) && !declared.has(node.text) && !handedIn.has(node.text))
          found.push(`${path.relative(root, file)}: ${node.text}`);
        for (const part of parts(node)) read(part);
      };
      read(made);
    };
    const visit = (node: ts.Node): void => {
      const spec = ts.isCallExpression(node) && /^(dispatch|planSingle)$/.test(node.expression.getText()) && node.arguments.at(-1);
      if (spec && ts.isObjectLiteralExpression(spec)) {
        const named = (name: string) => spec.properties.find((p) => ts.isPropertyAssignment(p) && p.name.getText() === name);
        const made = named('code');
        if (made && ts.isPropertyAssignment(made)) check(made.initializer);
        if (!named('about'))
          found.push(`${path.relative(root, file)}: a kernel that does not say what lies where and who owns what (about)`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  expect(seen).toBeGreaterThan(50);
  expect(found).toEqual([]);
});
