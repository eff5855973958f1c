import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const names = [process.env.FIREFOX ?? '', 'firefox-esr', 'firefox'].filter(Boolean);
/** The program of this system's Firefox, if it has one; FIREFOX names another. */
export const firefoxProgram: string | undefined = names.find((name) => spawnSync(name, ['--version']).status === 0);

/** WebGPU, which Firefox keeps from software drivers and from Linux by default; and no page of its own at the start. */
const preferences: Readonly<Record<string, unknown>> = {
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'app.normandy.enabled': false,
};

interface Drive {
  /** Address of the site under test, which is shown in a frame of a page of the same origin. */
  readonly site: string;
  /** What follows the address: the link that a person opens. */
  readonly hash: string;
  /** Body of an async function of `frame` (the site's window) and `seen` (call it with what is to be told of); its value is the answer. */
  readonly script: string;
  readonly timeoutMs: number;
}

/**
 * Opens a site in a real, headless Firefox and acts in it. Nothing drives a stock Firefox from outside, so the site stands in a frame, and
 * the page around it clicks, looks, and posts its answer. Throws what the script throws, with what it has seen.
 */
export async function inFirefox({ site, hash, script, timeoutMs }: Drive): Promise<unknown> {
  if (!firefoxProgram) throw new Error('this test needs Firefox: apt-get install firefox-esr, or set FIREFOX to the program');
  const profile = mkdtempSync(path.join(tmpdir(), 'initlab-firefox-'));
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  writeFileSync(path.join(profile, 'user.js'), lines.join(''));
  const seen: string[] = [];
  let answer: (text: string) => void = () => undefined;
  const answered = new Promise<string>((resolve) => (answer = resolve));
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const text = await bodyOf(request);
      response.end();
      if (request.url === '/answer') answer(text);
      else seen.push(text);
    } else if (request.url === '/drive.html') {
      response.setHeader('content-type', 'text/html').end(drivePage(hash, script));
    } else {
      const from = await fetch(new URL(request.url ?? '/', site));
      for (const name of ['content-type', 'content-security-policy']) {
        const value = from.headers.get(name);
        // The site forbids frames, but for this one.
        if (value) response.setHeader(name, value.replace(/frame-ancestors [^;]*/, "frame-ancestors 'self'"));
      }
      response.writeHead(from.status).end(Buffer.from(await from.arrayBuffer()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}/drive.html`;
  // A GPU's kernels, of which a software driver compiles each for longer than it runs here: without LLVM's optimisations.
  const env = { GALLIVM_PERF: 'nopt', ...process.env };
  const browser = spawn(firefoxProgram, ['--headless', '--no-remote', '--profile', profile, url], { stdio: 'ignore', detached: true, env });
  const late = setTimeout(() => answer(JSON.stringify({ error: `no answer after ${timeoutMs} ms` })), timeoutMs);
  try {
    const { result, error } = JSON.parse(await answered) as { result?: unknown; error?: string };
    if (error !== undefined) throw new Error([error, ...seen].join('\n'));
    return result;
  } finally {
    clearTimeout(late);
    await stop(browser);
    server.close();
    server.closeAllConnections();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const part of request) text += part;
  return text;
};

/** Ends Firefox with the processes that it has made. */
const stop = (browser: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve) => {
    browser.once('exit', () => resolve());
    if (browser.exitCode !== null || browser.pid === undefined) resolve();
    else process.kill(-browser.pid, 'SIGKILL');
  });

const drivePage = (hash: string, script: string): string => `<!doctype html><meta charset="utf-8"><title>drive</title>
<style>body { margin: 0 } iframe { border: 0; width: 1280px; height: 900px }</style>
<script type="module">
  const post = (where, text) => fetch(where, { method: 'POST', body: text });
  const seen = (text) => post('/seen', String(text));
  const frame = document.createElement('iframe');
  frame.src = '/' + ${JSON.stringify(hash)};
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
  document.body.append(frame);
  await loaded;
  let answer;
  try {
    const script = async (frame, seen) => {${script}};
    answer = { result: (await script(frame.contentWindow, seen)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  await post('/answer', JSON.stringify(answer));
</script>`;
