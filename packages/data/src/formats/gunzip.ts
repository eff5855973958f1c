import { checkOptions } from '@initlab/core/internal';
import { DataError } from '../dataset/data-error.js';
import { checkBytes } from './check-bytes.js';

/** Whether bytes start as gzip does. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Options of `gunzip`. */
export interface GunzipOptions {
  /** Name for messages. */
  readonly file: string;
  /** Unpacked bytes beyond which the file is refused; a small archive can claim any size. Default 512 MiB. */
  readonly maxBytes?: number;
}

/** Unpacks gzip in Node and in browsers. Memory follows what really comes out, never a length written in the file. */
export async function gunzip(bytes: Uint8Array, options: GunzipOptions): Promise<Uint8Array> {
  checkOptions('gunzip', options, ['file', 'maxBytes']);
  const { file, maxBytes = 512 * 2 ** 20 } = options;
  // The stream would wait for ever.
  checkBytes(file, bytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // A copy-free source: one chunk, then the end.
  const source = new ReadableStream<BufferSource>({
    start(controller) {
      controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
      controller.close();
    },
  });
  const reader = source.pipeThrough(new DecompressionStream('gzip')).getReader();
  for (;;) {
    const step = await reader.read().catch((cause: unknown) => {
      throw new DataError(
        file,
        `cannot be unpacked (${bytes.length} bytes, ${cause instanceof Error ? cause.message : String(cause)}); it is truncated or damaged. Fetch it again.`,
        { cause },
      );
    });
    if (step.done) break;
    length += step.value.length;
    if (length > maxBytes) {
      await reader.cancel().catch(() => undefined);
      throw new DataError(file, `unpacks to more than ${maxBytes} bytes; this is not the file it is named after. Fetch it again.`);
    }
    chunks.push(step.value);
  }
  return concat(chunks);
}

/** Joins byte arrays. */
function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
