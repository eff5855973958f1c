import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';

import { InitlabError } from '@initlab/core';

const maxRedirects = 5;

/** Options of `httpGet`. */
export interface HttpGetOptions {
  readonly signal: AbortSignal;
  /** Told before a redirect to another host is followed. */
  readonly onOtherHost: (host: string) => void;
}

/**
 * The answer to a GET, its redirects followed. Unlike `fetch` it leaves the bytes as they are sent: servers that call a
 * .gz file gzip-encoded would otherwise have it unpacked on the way, and its checksum would fail.
 */
export async function httpGet(url: string, { signal, onOtherHost }: HttpGetOptions): Promise<IncomingMessage> {
  let at = new URL(url);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await request(at, signal);
    const { location } = response.headers;
    if (!location || ![301, 302, 303, 307, 308].includes(response.statusCode ?? 0)) return response;
    response.destroy();
    const next = new URL(location, at);
    if (next.host !== at.host) onOtherHost(next.host);
    at = next;
  }
  throw new InitlabError(`more than ${maxRedirects} redirects`);
}

function request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new InitlabError(`${url.protocol} is neither http nor https`);
    const get = url.protocol === 'https:' ? getHttps : getHttp;
    get(url, { signal, headers: { 'accept-encoding': 'identity', 'user-agent': 'initlab' } }, resolve).on('error', reject);
  });
}
