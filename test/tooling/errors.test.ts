import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

/**
 * Where an `Error` of JavaScript's own may be thrown: what no caller can bring about, only a fault of the library's own. All else is an
 * `InitlabError` that says what was got and what would work. The kernels package, which knows no other, has its planners' there.
 */
const invariants: Readonly<Record<string, number>> = {
  'core/src/compile/analysis.ts': 1,
  'core/src/compile/fused/conv2d-epilogue.ts': 1,
  'core/src/op/op-def.ts': 1,
  'core/src/compile/rewrites/pointwise/cluster.ts': 1,
  'core/src/gpu/command-stream.ts': 1,
  'core/src/storage/storage.ts': 2,
  'core/src/tensor/tensor.ts': 1,
  'kernels/src/conv2d/shared/epilogue-totals.ts': 1,
  'kernels/src/conv2d/step/join-all.wgsl.ts': 1,
  'kernels/src/conv2d/step/pack-all.wgsl.ts': 1,
  'kernels/src/conv2d/window/window.ts': 1,
  'kernels/src/pointwise/step-code.ts': 2,
  'kernels/src/pointwise/math.wgsl.ts': 1,
  'kernels/src/reduce/chain-reduce.ts': 1,
  'kernels/src/scalars.ts': 2,
  'kernels/src/tile-rules.ts': 1,
  'lab/src/run/seal.ts': 1,
};

it('an error that a caller can bring about is an InitlabError', () => {
  const found: Record<string, number> = {};
  for (const name of readdirSync(packages)) {
    const folder = path.join(packages, name, 'src');
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const file = path.join(entry.parentPath, entry.name);
      const count = readFileSync(file, 'utf8').match(/throw new (?:Range|Type|Syntax)?Error\(/g)?.length ?? 0;
      if (count > 0) found[path.relative(packages, file).replaceAll(path.sep, '/')] = count;
    }
  }
  expect(found).toEqual(invariants);
});
