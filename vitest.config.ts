import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** .ci/run sets it to a file, for the count it closes with. */
const report = process.env.INITLAB_TEST_REPORT;

/** Many kernels on few numbers: each of them measured, since large ones run longer than they compile. */
const small = [
  'test/kernels/*.test.ts',
  'test/core/{compiled-like-eager,fuse-pointwise,norm-rewrites,random-tensors,tensor-functions}.test.ts',
  'test/nn/norm/*.test.ts',
  'test/parity-tests/{onnx,ops}.test.ts',
  'test/zero-sizes/{every-op,layers}.test.ts',
];
/** lavapipe without LLVM's optimisations, which take longer than small problems run. */
const quickly = { GALLIVM_PERF: 'nopt' };

/** Ops, layers and models, each file on a device of its own: they can follow one another in a process that has loaded the sources. */
const library = 'test/{core,models,nn,parity-tests,zero-sizes}/**/*.test.ts';
/**
 * Of these, what looks at its whole process: console and environment, the first device, who waits; and what counts a device's bytes,
 * from which the collector, awake more often in a process that has much, takes what earlier tests left.
 */
const ofItsProcess = [
  'test/core/{adapter-choice,autograd,collected,compile,compiled-constants,device,device-faults,driver-memory,gpu-plan}.test.ts',
  'test/core/{host-numbers,leak-report,no-adapter,overlapping-bodies,recordings,refusals-memory,rest}.test.ts',
  'test/nn/{module,optim,refused-constructors,without-trace}.test.ts',
];
/** Of the lab, what looks at nothing of its process and spies on nothing. */
const lab = [
  'test/lab/{altered-runs,altered-training,bench-norm,extended-runs,hessian,hessian-parity,norm-ratios,papers,probe-report}.test.ts',
  'test/lab/{progress,report,statistics,stored-table,table-report,tables,tensorboard,train-settings}.test.ts',
];
const others = 'test/!(core|kernels|models|nn|parity-tests|zero-sizes)/**/*.test.ts';

/** Files that take more than half a minute, longest first; of the others the largest begin. A long one at the end would leave cores idle. */
const long = [
  'lab/sweep',
  'readme/pages',
  'outside/packed',
  'lab/plugins',
  'lab/cli',
  'pages/playground-in-firefox',
  'pages/playground-own-code',
  'pages/playground-answers',
  'lab/extended-runs',
  'readme/examples',
  'lab/tune',
  'golden/zoo-steps',
  'nn/init-strategies',
  'core/epilogue-rewrites',
  'models/zoo',
  'nn/mixed-precision',
  'parity-tests/ops',
  'models/every-example',
  'zero-sizes/every-op',
  'nn/norm/extreme-values',
  'parity-tests/models',
  'nn/norm/norms',
  'nn/init-residual',
  'zero-sizes/layers',
].map((name) => `/test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((name) => moduleId.endsWith(name));
      return found < 0 ? long.length : found;
    };
    const sorted = await super.sort(files);
    // Projects stay one after another, and so do files of equal place.
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const before = (a: TestSpecification, b: TestSpecification): number =>
      projects.indexOf(a.project.name) - projects.indexOf(b.project.name) || place(a) - place(b);
    return sorted.sort(before);
  }
}

/** Tests import `@initlab/*` from source, so no build is needed while working. */
export default defineConfig({
  resolve: { conditions: ['@initlab/source'] },
  ssr: { resolve: { conditions: ['@initlab/source'] } },
  test: {
    projects: [
      { extends: true, test: { name: 'alone', include: [others, ...ofItsProcess], exclude: lab } },
      // Planned and run, they leave nothing behind in their process: one loads the sources for all.
      { extends: true, test: { name: 'small problems', include: small, isolate: false, env: quickly } },
      { extends: true, test: { name: 'together', include: [library, ...lab], exclude: [...ofItsProcess, ...small], isolate: false } },
      // lavapipe's subgroups are 8 wide by default; what reads the subgroup size must be right on others too. A GPU has one
      // size: there they only repeat.
      ...[4, 16].map((size) => ({
        extends: true as const,
        test: {
          name: `subgroups of ${size}`,
          include: ['test/kernels/{software-conv,software-depthwise,software-matmul,subgroups}.test.ts'],
          isolate: false,
          env: { LP_NATIVE_VECTOR_WIDTH: String(size * 32), ...quickly },
        },
      })),
    ],
    sequence: { sequencer: LongestFirst },
    // A CPU driver compiles a large kernel for a minute where its cache is empty and other work runs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // What a page shows comes when both cores have time for it.
    expect: { poll: { timeout: 20_000 } },
    // Every worker opens its own software GPU, which itself uses all cores: two at once are enough.
    maxWorkers: 2,
    pool: 'forks',
    reporters: report ? ['default', 'json'] : ['default'],
    ...(report ? { outputFile: { json: report } } : {}),
  },
});
