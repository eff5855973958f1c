import { serveRuns } from '../ui/serve.js';
import { runsFolder } from './table-report.js';

/** `initlab ui`: the folder of runs as a page, until a signal ends it. Returns the exit status. */
export async function uiCommand(root: string = runsFolder, { port = 7410 }: { port?: number } = {}): Promise<number> {
  const served = await serveRuns({ root, port });
  process.stdout.write(`${served.url} shows ${root}; Ctrl-C ends it.\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  await served.close();
  return 0;
}
