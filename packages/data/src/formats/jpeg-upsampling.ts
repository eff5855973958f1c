interface Upsampling {
  readonly width: number;
  readonly height: number;
  /** Pixels for each sample of the component. */
  readonly across: number;
  readonly down: number;
}

/**
 * A component's plane whose samples were repeated over their pixels, interpolated as libjpeg does ("fancy upsampling"): where a sample
 * has two pixels across, down or both, each is ¾ of it and ¼ of the neighbour it is nearer to. Others stay repeated, as there.
 */
export function upsampled(plane: Uint8Array, { width, height, across, down }: Upsampling): Uint8Array {
  const columns = Math.ceil(width / across);
  const rows = Math.ceil(height / down);
  const key = `${across}x${down}`;
  // Narrower ones libjpeg repeats, unless they are halved downwards alone.
  if (!(key === '1x2' || ((key === '2x1' || key === '2x2') && columns > 2))) return plane;
  const made = new Uint8Array(width * height);
  const sums = new Int32Array(columns);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / down);
    // The row that counts a quarter: above an even one, below an odd one, itself at the border.
    const other = down === 1 ? row : Math.min(rows - 1, Math.max(0, y % 2 === 0 ? row - 1 : row + 1));
    const [here, there] = [row * down * width, other * down * width];
    for (let x = 0; x < columns; x++) {
      const near = plane[here + x * across] as number;
      sums[x] = down === 1 ? near : 3 * near + (plane[there + x * across] as number);
    }
    const out = made.subarray(y * width, (y + 1) * width);
    if (across === 1) for (let x = 0; x < width; x++) out[x] = ((sums[x] as number) + (y % 2 === 0 ? 1 : 2)) >> 2;
    else interpolateRow(sums, out, down === 1 ? { bits: 2, even: 1, odd: 2 } : { bits: 4, even: 8, odd: 7 });
  }
  return made;
}

/** Two pixels of each sum; what is added before the shift alternates, so that the mean is kept. */
function interpolateRow(sums: Int32Array, out: Uint8Array, { bits, even, odd }: { bits: number; even: number; odd: number }): void {
  let before = sums[0] as number;
  for (let at = 0; at < sums.length; at++) {
    const near = sums[at] as number;
    const after = at + 1 < sums.length ? (sums[at + 1] as number) : near;
    out[2 * at] = (3 * near + before + even) >> bits;
    // Past the end of a row of odd length nothing is written.
    out[2 * at + 1] = (3 * near + after + odd) >> bits;
    before = near;
  }
}
