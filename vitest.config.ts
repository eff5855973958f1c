import { defineConfig } from 'vitest/config';

/** .ci/run sets it to a file, for the count it closes with. */
const report = process.env.INITLAB_TEST_REPORT;

/** Tests import `@initlab/*` from source, so no build is needed while working. */
export default defineConfig({
  resolve: { conditions: ['@initlab/source'] },
  ssr: { resolve: { conditions: ['@initlab/source'] } },
  test: {
    projects: [
      // Files share two processes and the sources they loaded: loading 670 modules for each of 180 files takes a minute of two cores.
      { extends: true, test: { name: 'tests', include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'] } },
      // lavapipe's subgroups are 8 wide by default; what reads the subgroup size must be right on others too. A GPU has one
      // size: there they only repeat.
      ...[4, 16].map((size) => ({
        extends: true as const,
        test: {
          name: `subgroups of ${size}`,
          include: ['test/kernels/{software-conv,software-depthwise,software-matmul,subgroups}.test.ts'],
          // Compiled without LLVM's optimisations, which take longer than these small problems run.
          env: { LP_NATIVE_VECTOR_WIDTH: String(size * 32), GALLIVM_PERF: 'nopt' },
        },
      })),
    ],
    // A CPU driver compiles a large kernel for a minute where its cache is empty and other work runs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Every worker opens its own software GPU, which itself uses all cores: two at once are enough.
    maxWorkers: 2,
    isolate: false,
    pool: 'forks',
    reporters: report ? ['default', 'json'] : ['default'],
    ...(report ? { outputFile: { json: report } } : {}),
  },
});
