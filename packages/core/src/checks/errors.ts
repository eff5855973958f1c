/** Base of every error initlab throws on purpose; the message says what was got and what would work. */
export class InitlabError extends Error {
  override name = 'InitlabError';
}

/** An op was called with operands it cannot take. */
export class OpError extends InitlabError {
  override name = 'OpError';
  constructor(
    readonly op: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${op}: ${message}`, options);
  }
}

/** No adapter, a lost device, a driver that refuses. */
export class DeviceError extends InitlabError {
  override name = 'DeviceError';
}

/** A request that the device (or the limit set for it) cannot hold. */
export class OutOfMemoryError extends InitlabError {
  override name = 'OutOfMemoryError';
}

/** Anomaly mode found a NaN or an infinity. */
export class AnomalyError extends InitlabError {
  override name = 'AnomalyError';
  constructor(
    readonly op: string,
    message: string,
  ) {
    super(message);
  }
}

/** `[2, 3]` as people write it in messages. */
export const showShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** A value as messages show it: lists whole, objects by their class. */
export const showValue = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(String).join(', ')}]`
    : value !== null && typeof value === 'object'
      ? (value.constructor?.name ?? 'an object')
      : String(value);
