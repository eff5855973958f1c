/** An image as bytes: rows of pixels, each with its channels. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  /** 1: gray, 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** `height` × `width` × `channels`. */
  readonly pixels: Uint8Array;
}
