import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InitlabError } from '@initlab/core';
import { assetFile } from '../asset-file.js';
import { RunCache } from './run-cache.js';

export interface ServeOptions {
  /** Folder of all runs. */
  readonly root: string;
  /** 0 takes one that is free. */
  readonly port: number;
}

/** The page of a folder of runs, being served. */
export interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page on this machine's own loopback address. It answers only requests that name that address as host (a foreign
 * name that was pointed here is refused, with all its pages) and that no page of another origin makes; nothing can be written.
 * Throws InitlabError where the port is taken or the page was not built.
 */
export async function serveRuns({ root, port }: ServeOptions): Promise<ServedPage> {
  const cache = new RunCache(root);
  // Throws where the folder is not there.
  cache.list();
  const files = { '/page.js': asset('ui/page.js'), '/page.css': asset('ui/page.css') };
  const server = createServer((request, response) => {
    const at = (server.address() as AddressInfo).port;
    const refused = refusal(request, at);
    if (refused) return answer(response, { status: refused.status, type: 'text/plain', body: `${refused.why}\n` });
    try {
      answer(response, respond(request, { cache, files }));
    } catch (error) {
      answer(response, { status: 500, type: 'text/plain', body: `${error instanceof Error ? error.message : String(error)}\n` });
    }
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const asset = (name: string): string => {
  const file = assetFile(name);
  if (!file) throw new InitlabError(`ui: ${name} is not beside this program. In a checkout, npm run build makes it.`);
  return readFileSync(file, 'utf8');
};

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      reject(taken ? new InitlabError(`ui: port ${port} cannot be had; --port takes another, --port 0 one that is free`) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

/** Why a request is none of the page's own. */
function refusal({ method, headers }: IncomingMessage, port: number): { status: number; why: string } | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { host, origin } = headers;
  if (!host || !hosts.includes(host)) return { status: 403, why: `open this page as http://${hosts[0]}/` };
  if (origin !== undefined && !hosts.some((each) => origin === `http://${each}`))
    return { status: 403, why: 'a page of another origin may not read this' };
  const site = headers['sec-fetch-site'];
  // A link followed from elsewhere may open the page; what a page of another site fetches may not.
  if (site !== undefined && !['same-origin', 'none'].includes(String(site)) && headers['sec-fetch-mode'] !== 'navigate')
    return { status: 403, why: 'a page of another site may not read this' };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, why: 'this page only reads' };
  return undefined;
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>initlab</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
</head>
<body><div id="app"></div><script type="module" src="/page.js"></script></body>
</html>
`;

interface Served {
  readonly cache: RunCache;
  readonly files: Readonly<Record<'/page.js' | '/page.css', string>>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly etag?: string;
}
const found = (type: string, body: string): Answer => ({ status: 200, type, body });
const json = (value: object): Answer => found('application/json', JSON.stringify(value));

function respond(request: IncomingMessage, { cache, files }: Served): Answer {
  const url = new URL(request.url ?? '/', 'http://localhost');
  switch (url.pathname) {
    case '/':
      return found('text/html', page);
    case '/page.js':
      return found('text/javascript', files['/page.js']);
    case '/page.css':
      return found('text/css', files['/page.css']);
    case '/api/runs': {
      const { tag: etag, ...list } = cache.list();
      return request.headers['if-none-match'] === etag ? { ...json({}), status: 304, body: '', etag } : { ...json(list), etag };
    }
    case '/api/epochs': {
      const epochs = cache.epochs(url.searchParams.get('run') ?? '');
      if (epochs) return json(epochs);
      break;
    }
    case '/api/probes': {
      const probes = cache.probes(url.searchParams.get('run') ?? '');
      if (probes) return json(probes);
    }
  }
  return { status: 404, type: 'text/plain', body: 'there is nothing of this name\n' };
}

function answer(response: ServerResponse, { status, type, body, etag }: Answer): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-cache',
    ...(etag === undefined ? {} : { etag }),
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
