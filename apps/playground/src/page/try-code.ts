import type { FromScratch, ToScratch } from '../messages.js';
import { type CodeFault, transpile } from '../own-code.js';
import type { Settings, SideName } from '../settings.js';

/** How long an initialisation may take when it is tried, in milliseconds. */
const limit = 2000;

/** Tries an initialisation in a worker of its own, on the net of one side; what is wrong with it, or undefined. */
export async function tryCode(code: string, { settings, side }: { settings: Settings; side: SideName }): Promise<CodeFault | undefined> {
  const transpiled = await transpile(code);
  if ('fault' in transpiled) return transpiled.fault;
  const worker = new Worker(new URL('scratch-worker.js', import.meta.url), { type: 'module' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<CodeFault | undefined>((resolve) => {
      worker.onerror = ({ message }) => resolve({ reason: message || 'the scratch worker could not be loaded; reload the page' });
      worker.onmessage = ({ data }: MessageEvent<FromScratch>) => {
        if (data.type === 'running')
          timer = setTimeout(() => resolve({ reason: `it did not end within ${limit / 1000} seconds, and was stopped` }), limit);
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
