import fc from 'fast-check';

const upTo = (max: number, min = 1): fc.Arbitrary<number> => fc.integer({ min, max });
const pair = (of: fc.Arbitrary<number>): fc.Arbitrary<[number, number]> => fc.tuple(of, of);

/** Small convolutions of any geometry, for fast-check; channels are the test's. Some have no output. */
export const conv2dGeometry = {
  batch: upTo(3),
  inHeight: upTo(9),
  inWidth: upTo(9),
  kernelHeight: upTo(4),
  kernelWidth: upTo(4),
  stride: pair(upTo(3)),
  padding: pair(upTo(3, 0)),
  dilation: pair(upTo(3)),
  bias: fc.boolean(),
};
