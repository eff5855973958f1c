import { openDevice } from '@initlab/core';
import type { FromScratch, ToScratch } from '../messages.js';
import { ownInitializer } from './own-initializer.js';
import { OwnCodeError } from './own-code-error.js';
import { Run } from './run.js';
import { sampleImages } from './sample-images.js';

/** Tries a person's initialisation once, where it may hang: the page ends this worker then. */
const scope = self as unknown as {
  postMessage(message: FromScratch): void;
  onmessage: ((event: MessageEvent<ToScratch>) => void) | null;
};

scope.onmessage = ({ data }) => {
  void attempt(data).then(
    () => scope.postMessage({ type: 'passed' }),
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      scope.postMessage({ type: 'failed', fault: { reason, line: error instanceof OwnCodeError ? error.line : undefined } });
    },
  );
};

async function attempt({ settings, seed, batchSize, js }: ToScratch): Promise<void> {
  const [device, dataset] = await Promise.all([openDevice(), sampleImages()]);
  const begin = (): void => scope.postMessage({ type: 'running' });
  const parts = { settings, seed, batchSize, device, dataset, dataDependent: true };
  const run = await Run.create({
    ...parts,
    initialize: async (model, options) => {
      begin();
      const { initialize } = await ownInitializer(js);
      await initialize(model, options);
    },
  });
  run.dispose();
}
