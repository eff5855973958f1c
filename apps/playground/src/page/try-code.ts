import type { FromScratch, ToScratch } from '../messages.js';
import { type CodeFault, transpile } from '../own-code.js';
import type { Settings, SideName } from '../settings.js';

/** How long a person's code may take when it is tried, in milliseconds; what the page does around it may take longer. */
const limit = { own: 2000, page: 30_000 };

/** Tries what one side uses of a person's code in a worker of its own, on that side's net; what is wrong with it, or undefined. */
export async function tryCode(settings: Settings, side: SideName): Promise<CodeFault | undefined> {
  const transpiled = await transpile(settings);
  if ('fault' in transpiled) return transpiled.fault;
  const worker = new Worker(new URL('scratch-worker.js', import.meta.url), { type: 'module' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<CodeFault | undefined>((resolve) => {
      const wait = (time: number): void => {
        clearTimeout(timer);
        timer = setTimeout(() => resolve({ reason: `it did not end within ${time / 1000} seconds, and was stopped` }), time);
      };
      worker.onerror = ({ message }) => resolve({ reason: message || 'the scratch worker could not be loaded; reload the page' });
      worker.onmessage = ({ data }: MessageEvent<FromScratch>) => {
        if (data.type === 'running') wait(data.own ? limit.own : limit.page);
        else resolve(data.type === 'failed' ? data.fault : undefined);
      };
      const { seed, batchSize } = settings;
      worker.postMessage({ settings: settings[side], seed, batchSize, js: transpiled.js } satisfies ToScratch);
    });
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}
