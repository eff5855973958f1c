/** The smallest safetensors file with these metadata strings, one u8 tensor of `payload` bytes. */
export function stubCheckpoint(metadata: Readonly<Record<string, string>>, payload = 4): Uint8Array {
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, x: { dtype: 'U8', shape: [payload], data_offsets: [0, payload] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(payload, 7)]);
}
