import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../dataset/data-error.js';
import { httpGet } from './http-get.js';
import { fileError } from './read-file.js';

export interface DownloadProgress {
  readonly url: string;
  readonly receivedBytes: number;
  /** What the server announced, where it did. */
  readonly totalBytes?: number;
}
export interface DownloadOptions {
  /** MD5 of the file as its publisher gives it, in hexadecimal. */
  readonly md5: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Told of a redirect to another host, which is followed because the checksum decides. Default: console.warn. */
  readonly onNotice?: ((line: string) => void) | undefined;
  /** Stops the download; nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
  /** Give up when nothing arrives for this long. Default 60 s. */
  readonly stallMs?: number;
  /** Refuse anything longer. Default 1 GiB. */
  readonly maxBytes?: number;
}

/** Files being written by this process: two downloads to one target do not share one. */
const writing = new Set<string>();

/**
 * Fetches `url` to `target`. It is written beside the target under another name and renamed once its checksum is right,
 * so `target` is whole or what it was. Throws DataError naming the address, or the file when it cannot be written.
 */
export async function downloadFile({ url, target }: { url: string; target: string }, options: DownloadOptions): Promise<void> {
  const { onProgress, onNotice = console.warn, signal, stallMs = 60_000, maxBytes = 2 ** 30 } = options;
  if (!/^[0-9a-f]{32}$/i.test(options.md5))
    throw new DataError(url, `cannot be checked: its MD5 is given as ${String(options.md5)}, not as 32 hexadecimal digits.`);
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(new Error(`nothing arrived for ${Math.round(stallMs / 1000)} s`)), stallMs);
  const byHand = `Check the network, or fetch ${path.basename(target)} by hand into ${path.dirname(target)}.`;
  const failed = (cause: unknown): DataError => new DataError(url, `download failed: ${reasonOf(cause)}. ${byHand}`, { cause });
  const refuseLonger = (bytes: number): void => {
    if (bytes > maxBytes) throw new DataError(url, `is longer than ${maxBytes} bytes; this is not the dataset. ${byHand}`);
  };
  const temporary = temporaryName(target);
  writing.add(temporary);
  try {
    const response = await httpGet(url, {
      signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal,
      onOtherHost: (host) => onNotice(`${url} redirects to ${host}; what comes from there is checked against its MD5, as any download`),
    }).catch((cause: unknown) => {
      throw failed(cause);
    });
    if (response.statusCode !== 200) {
      response.destroy();
      throw new DataError(url, `download failed: the server answered ${response.statusCode} ${response.statusMessage}. ${byHand}`);
    }
    const announced = Number(response.headers['content-length']) || undefined;
    refuseLonger(announced ?? 0);
    const hash = createHash('md5');
    let received = 0;
    await mkdir(path.dirname(target), { recursive: true }).catch(refuse(path.dirname(target)));
    const handle = await open(temporary, 'w').catch(refuse(temporary));
    try {
      const chunks = (response as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
      for (;;) {
        const step = await chunks.next().catch((cause: unknown) => {
          throw failed(cause);
        });
        if (step.done) break;
        timer.refresh();
        received += step.value.length;
        refuseLonger(received);
        hash.update(step.value);
        await handle.writeFile(step.value).catch(refuse(temporary));
        onProgress?.({ url, receivedBytes: received, ...(announced ? { totalBytes: announced } : {}) });
      }
      await handle.sync().catch(refuse(temporary));
    } finally {
      response.destroy();
      await handle.close();
    }
    const digest = hash.digest('hex');
    if (digest !== options.md5.toLowerCase()) {
      throw new DataError(
        url,
        `has MD5 ${digest} (${received} bytes), ${options.md5} was expected; the download is damaged or the file was changed. ${byHand}`,
      );
    }
    await rename(temporary, target).catch(refuse(target));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
    writing.delete(temporary);
  }
}

function temporaryName(target: string): string {
  for (let attempt = 1; ; attempt++) {
    const name = `${target}.part-${process.pid}${attempt === 1 ? '' : `-${attempt}`}`;
    if (!writing.has(name)) return name;
  }
}

const refuse = (file: string) => (cause: unknown) => {
  throw fileError(file, cause, 'write');
};

/** Of an abort, why it was. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message || String(error);
}
