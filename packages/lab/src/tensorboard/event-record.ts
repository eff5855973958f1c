import { maskedCrc32c } from './crc32c.js';

/** A number at one step. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** Value by name: `loss/train`. */
  readonly scalars: Readonly<Record<string, number>>;
}

// Fields of protocol buffers, by the numbers that TensorFlow publishes in event.proto and summary.proto.
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const event = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const summary = { value: 1 } as const;
const value = { tag: 1, simpleValue: 2 } as const;

/** First record of an event file. */
export const versionRecord = (wallTime: number): Uint8Array =>
  record(concat([double(event.wallTime, wallTime), bytes(event.fileVersion, utf8('brain.Event:2'))]));

/** A record of numbers at one step. */
export function scalarRecord({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const values = Object.entries(scalars).map(([tag, number]) =>
    bytes(summary.value, concat([bytes(value.tag, utf8(tag)), float(value.simpleValue, number)])),
  );
  return record(concat([double(event.wallTime, wallTime), varintField(event.step, step), bytes(event.summary, concat(values))]));
}

/** TFRecord: length, its checksum, the data, its checksum; little endian. */
function record(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true);
  return concat([length, uint32(maskedCrc32c(length)), data, uint32(maskedCrc32c(data))]);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = (field: number, type: number): Uint8Array => varint(field * 8 + type);

function varint(number: number): Uint8Array {
  const out: number[] = [];
  let left = number;
  for (; left >= 128; left = Math.floor(left / 128)) out.push((left % 128) + 128);
  return Uint8Array.from([...out, left]);
}
const varintField = (field: number, number: number): Uint8Array => concat([key(field, wire.varint), varint(number)]);
const bytes = (field: number, data: Uint8Array): Uint8Array => concat([key(field, wire.bytes), varint(data.length), data]);

function double(field: number, number: number): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setFloat64(0, number, true);
  return concat([key(field, wire.fixed64), data]);
}
function float(field: number, number: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setFloat32(0, number, true);
  return concat([key(field, wire.fixed32), data]);
}
function uint32(number: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, number, true);
  return data;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
