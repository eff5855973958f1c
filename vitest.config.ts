import { defineConfig } from 'vitest/config';

/** .ci/run sets it to a file, for the count it closes with. */
const report = process.env.INITLAB_TEST_REPORT;

const kernels = 'test/kernels/*.test.ts';
/** lavapipe without LLVM's optimisations, which take longer than the small problems of kernels run. */
const quickly = { GALLIVM_PERF: 'nopt' };

/** Tests import `@initlab/*` from source, so no build is needed while working. */
export default defineConfig({
  resolve: { conditions: ['@initlab/source'] },
  ssr: { resolve: { conditions: ['@initlab/source'] } },
  test: {
    projects: [
      { extends: true, test: { name: 'tests', include: ['test/**/*.test.ts'], exclude: [kernels] } },
      // Planned and run, they leave nothing behind in their process: one loads the sources for all.
      { extends: true, test: { name: 'kernels', include: [kernels], isolate: false, env: quickly } },
      // lavapipe's subgroups are 8 wide by default; what reads the subgroup size must be right on others too. A GPU has one
      // size: there they only repeat.
      ...[4, 16].map((size) => ({
        extends: true as const,
        test: {
          name: `subgroups of ${size}`,
          include: ['test/kernels/{software-conv,software-depthwise,software-matmul,subgroups}.test.ts'],
          env: { LP_NATIVE_VECTOR_WIDTH: String(size * 32), ...quickly },
        },
      })),
    ],
    // A CPU driver compiles a large kernel for a minute where its cache is empty and other work runs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Every worker opens its own software GPU, which itself uses all cores: two at once are enough.
    maxWorkers: 2,
    pool: 'forks',
    reporters: report ? ['default', 'json'] : ['default'],
    ...(report ? { outputFile: { json: report } } : {}),
  },
});
