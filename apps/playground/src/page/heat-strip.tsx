import { useEffect, useRef } from 'preact/hooks';
import { styleColor, useDark } from './use-dark.js';

export interface HeatStripProps {
  /** Whose it is, such as `A`. */
  readonly name: string;
  /** By depth; null where there is none. */
  readonly values: readonly (number | null)[];
  /** The value that has the full colour. */
  readonly full: number;
  /** In words, for who does not see it. */
  readonly summary: string;
}

/** Values by depth as a row of cells, from the card's colour to the full one. */
export function HeatStrip({ name, values, full, summary }: HeatStripProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return;
    element.width = Math.max(1, values.length);
    const color = styleColor('--heat');
    const none = styleColor('--line');
    for (const [i, value] of values.entries()) {
      context.fillStyle = styleColor('--card');
      context.fillRect(i, 0, 1, 1);
      context.fillStyle = value === null ? none : color;
      context.globalAlpha = value === null ? 1 : Math.min(1, Math.max(0.04, value / full));
      context.fillRect(i, 0, 1, 1);
      context.globalAlpha = 1;
    }
  }, [values, full, dark]);
  return (
    <div class="strip">
      <span>{name}</span>
      <canvas ref={canvas} height={1} role="img" aria-label={summary} title={summary} />
    </div>
  );
}
