import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

const script = path.resolve(import.meta.dirname, '../../scripts/playground.mjs');

/** Where `npm run playground` puts the files of the page. */
export const playgroundFiles = path.resolve(import.meta.dirname, '../../apps/playground/dist');

/** Runs `npm run playground` from the sources as they stand; answers its address and how to end it. */
export async function servePlayground(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = spawn(process.execPath, [script, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    const hear = (text: Buffer): void => {
      said += text;
      const [address] = said.match(/http:\/\/localhost:\d+\//) ?? [];
      if (address) resolve(address);
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('exit', () => reject(new Error(`npm run playground ended: ${said}`)));
  });
  return { url, close: () => ended(server) };
}

const ended = (server: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    server.once('exit', () => resolve());
    server.kill();
  });
