import { InitlabError } from '@initlab/core';

/** The file is not what it says: truncated, overlapping, or made to harm. Nothing was allocated on its word. */
export class SafetensorsError extends InitlabError {
  override name = 'SafetensorsError';
  constructor(message: string) {
    super(`safetensors: ${message}`);
  }
}

/** A name or a piece of a header in a message, which stays short and printable whatever the file says. */
export const quote = (text: string): string =>
  /^[\x21-\x7e]{1,80}$/.test(text) ? text : `${JSON.stringify(text.slice(0, 80))}${text.length > 80 ? '…' : ''}`;

/** A shape in a message. */
export const showSizes = (shape: readonly unknown[]): string =>
  shape.length > 8 ? `[${shape.slice(0, 8).join(', ')}, … ${shape.length} sizes]` : `[${shape.join(', ')}]`;

/** Half a surrogate pair, which UTF-8 cannot hold and the format's reader refuses. */
export const halfPair = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
