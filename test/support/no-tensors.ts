/** What JavaScript callers give where a tensor is wanted. */
export const noTensors: readonly (readonly [string, unknown])[] = [
  ['a list', [1, 2, 3]],
  ['nested lists', [[1, 2], [3]]],
  ['a typed array', new Float32Array(5)],
  ['a number', 3],
  ['null', null],
  ['a text', 'ones'],
  ['an object', {}],
];
