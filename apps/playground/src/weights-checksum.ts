import type { Module } from '@initlab/nn';

/** SHA-256, in hexadecimal, of all parameters' f32 bytes (little-endian) in the model's order: equal where the weights are, bit for bit. */
export async function weightsChecksum(model: Module): Promise<string> {
  const parts = await Promise.all(model.parameters().map(async (p) => Float32Array.from(await p.read())));
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', all.buffer));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
