import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../data-error.js';
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
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Stops the download; nothing is left behind. */
  readonly signal?: AbortSignal;
  /** Give up when nothing arrives for this long. Default 60 s. */
  readonly stallMs?: number;
  /** Refuse anything longer. Default 1 GiB. */
  readonly maxBytes?: number;
}

/**
 * Fetches `url` to `target`. It is written beside the target under another name and renamed once its checksum is right,
 * so `target` is whole or absent. Throws DataError naming the address, or the file when it cannot be written.
 */
export async function downloadFile({ url, target }: { url: string; target: string }, options: DownloadOptions): Promise<void> {
  const { md5, onProgress, signal, stallMs = 60_000, maxBytes = 2 ** 30 } = options;
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(new Error(`nothing arrived for ${Math.round(stallMs / 1000)} s`)), stallMs);
  const byHand = `Check the network, or fetch ${path.basename(target)} by hand into ${path.dirname(target)}.`;
  const failed = (cause: unknown): DataError => new DataError(url, `download failed: ${reasonOf(cause)}. ${byHand}`, { cause });
  const temporary = `${target}.part-${process.pid}`;
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal }).catch(
      (cause: unknown) => {
        throw failed(cause);
      },
    );
    if (!response.ok || !response.body)
      throw new DataError(url, `download failed: the server answered ${response.status} ${response.statusText}. ${byHand}`);
    const announced = Number(response.headers.get('content-length')) || undefined;
    const hash = createHash('md5');
    let received = 0;
    await mkdir(path.dirname(target), { recursive: true }).catch(refuse(path.dirname(target)));
    const handle = await open(temporary, 'w').catch(refuse(temporary));
    try {
      const reader = response.body.getReader();
      for (;;) {
        const step = await reader.read().catch((cause: unknown) => {
          throw failed(cause);
        });
        if (step.done) break;
        timer.refresh();
        received += step.value.length;
        if (received > maxBytes) throw new DataError(url, `is longer than ${maxBytes} bytes; this is not the dataset. ${byHand}`);
        hash.update(step.value);
        await handle.writeFile(step.value).catch(refuse(temporary));
        onProgress?.({ url, receivedBytes: received, ...(announced ? { totalBytes: announced } : {}) });
      }
      await handle.sync().catch(refuse(temporary));
    } finally {
      await handle.close();
    }
    const digest = hash.digest('hex');
    if (digest !== md5) {
      throw new DataError(
        url,
        `has MD5 ${digest} (${received} bytes), ${md5} was expected; the download is damaged or the file was changed. ${byHand}`,
      );
    }
    await rename(temporary, target).catch(refuse(target));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const refuse = (file: string) => (cause: unknown) => {
  throw fileError(file, cause, 'write');
};

/** fetch hides why it failed in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}
