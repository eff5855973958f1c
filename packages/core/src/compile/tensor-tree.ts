import { Tensor } from '../tensor/tensor.js';

/** Replace every tensor in a value made of arrays, plain objects and tensors; other values stay. */
export function mapTensors(value: unknown, change: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, change));
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTensors(item, change)]));
  return value;
}
