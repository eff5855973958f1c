import { useEffect, useRef } from 'preact/hooks';
import type { Filters } from '../messages.js';
import { useDark } from './use-dark.js';

const columns = 8;

/** The first layer's filters: blue is negative, orange positive, by the largest magnitude of all; black (white on a dark page) no finite number. */
export function FilterGrid({ name, filters }: { readonly name: string; readonly filters: Filters | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || !filters) return;
    const { count, size, values } = filters;
    // A line of the card between two filters, thin beside large ones.
    const cell = size + (size > 8 ? 2 : 1);
    element.width = Math.min(count, columns) * cell - (cell - size);
    element.height = Math.ceil(count / columns) * cell - (cell - size);
    const image = context.createImageData(element.width, element.height);
    const largest = values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0) || 1;
    for (let i = 0; i < count; i++)
      for (let pixel = 0; pixel < size * size; pixel++) {
        const x = (i % columns) * cell + (pixel % size);
        const y = Math.floor(i / columns) * cell + Math.floor(pixel / size);
        image.data.set(diverging((values[i * size * size + pixel] ?? 0) / largest, dark), 4 * (y * element.width + x));
      }
    context.putImageData(image, 0, 0);
  }, [filters, dark]);
  return (
    <div class="filters">
      <span>{name}</span>
      <canvas ref={canvas} role="img" aria-label={`first filters of ${name}`} />
    </div>
  );
}

/** −1 … 1 from blue over the background's grey to orange, as RGBA. */
function diverging(value: number, dark: boolean): [number, number, number, number] {
  if (!Number.isFinite(value)) return dark ? [255, 255, 255, 255] : [0, 0, 0, 255];
  const middle = dark ? [58, 54, 50] : [240, 238, 236];
  const end = value < 0 ? [0, 114, 178] : [230, 130, 0];
  const share = Math.min(1, Math.abs(value));
  const mixed = middle.map((from, i) => Math.round(from + share * ((end[i] as number) - from)));
  return [mixed[0] as number, mixed[1] as number, mixed[2] as number, 255];
}
