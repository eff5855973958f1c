import { openDevice } from '@initlab/core';
import type { NormFactory } from '@initlab/nn';
import { own } from '../choices.js';
import type { FromScratch, ToScratch } from '../messages.js';
import { adapterKernels } from './adapter-kernels.js';
import { OwnCodeError } from './own-code-error.js';
import { ownInitializer } from './own-initializer.js';
import { ownNorm, tryNorm } from './own-norm.js';
import { Run } from './run.js';
import { sampleImages } from './sample-images.js';

/** Tries a person's code once, where it may hang: the page ends this worker then. */
const scope = self as unknown as {
  postMessage(message: FromScratch): void;
  onmessage: ((event: MessageEvent<ToScratch>) => void) | null;
};

scope.onmessage = ({ data }) => {
  void attempt(data).then(
    () => scope.postMessage({ type: 'passed' }),
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      scope.postMessage({
        type: 'failed',
        fault: { reason, ...(error instanceof OwnCodeError ? { kind: error.kind, line: error.line } : {}) },
      });
    },
  );
};

const running = (own: boolean): void => scope.postMessage({ type: 'running', own });

/** The norm by itself, then the initialisation on the side's net. */
async function attempt({ settings, seed, batchSize, js }: ToScratch): Promise<void> {
  const [device, dataset] = await Promise.all([openDevice({ adapterKernels }), sampleImages()]);
  let norm: string | NormFactory = settings.norm;
  if (norm === own) {
    running(true);
    norm = await ownNorm(js.norm);
    tryNorm(norm, device);
  }
  if (settings.init !== own) return;
  running(false);
  const run = await Run.create({
    ...{ settings, seed, batchSize, device, dataset, norm, dataDependent: true },
    initialize: async (model, options) => {
      running(true);
      const { initialize } = await ownInitializer(js.init);
      await initialize(model, options);
    },
  });
  run.dispose();
}
