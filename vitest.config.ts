import { defineConfig } from 'vitest/config';

/** .ci/run sets it to a file, for the count it closes with. */
const report = process.env.INITLAB_TEST_REPORT;

/** What measures its process, hears what is said once in it, or counts what is registered, has one of its own. */
const alone = [
  'test/core/{collected,device-faults,driver-memory,leak-report,refusals-memory}.test.ts',
  'test/data/hostile-files.test.ts',
  'test/determinism/*.test.ts',
  'test/models/{deep-wrn,zoo}.test.ts',
];

const kernels = 'test/kernels/*.test.ts';
/** lavapipe without LLVM's optimisations, which take longer than the small problems of kernels run. */
const quickly = { GALLIVM_PERF: 'nopt' };

/** Tests import `@initlab/*` from source, so no build is needed while working. */
export default defineConfig({
  resolve: { conditions: ['@initlab/source'] },
  ssr: { resolve: { conditions: ['@initlab/source'] } },
  test: {
    projects: [
      // Files share two processes and the sources they loaded: loading 670 modules for each of 180 files takes a minute of two cores.
      { extends: true, test: { name: 'tests', include: ['test/**/*.test.ts'], exclude: [...alone, kernels], isolate: false } },
      { extends: true, test: { name: 'kernels', include: [kernels], isolate: false, env: quickly } },
      { extends: true, test: { name: 'alone', include: alone } },
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
