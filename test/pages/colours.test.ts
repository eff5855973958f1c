import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seriesColors } from '../../packages/lab/src/report/chart-theme.js';

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** Machado, Oliveira & Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1. */
const visions: Readonly<Record<string, Matrix>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
/** Linear sRGB to CIE XYZ relative to white D65. */
const toXyz: Matrix = [
  [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
  [0.2126, 0.7152, 0.0722],
  [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
];
const times = (matrix: Matrix, [x, y, z]: Triple): Triple => {
  const [a, b, c] = matrix.map(([p, q, r]) => p * x + q * y + r * z);
  return [a!, b!, c!];
};
const each = ([x, y, z]: Triple, f: (value: number) => number): Triple => [f(x), f(y), f(z)];
const linear = (hex: string): Triple => {
  const at = (i: number): number => Number.parseInt(hex.slice(i, i + 2), 16) / 255;
  return each([at(1), at(3), at(5)], (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
};
const lab = (rgb: Triple): Triple => {
  const within = each(rgb, (value) => Math.min(1, Math.max(0, value)));
  const [x, y, z] = each(times(toXyz, within), (value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};
/** CIE76's distance as this vision sees it; from about 20 thin lines are told apart at a glance. */
const distance = (vision: Matrix, a: string, b: string): number => {
  const [p, q] = [lab(times(vision, linear(a))), lab(times(vision, linear(b)))];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
};
/** WCAG 2's contrast: 3 for what is not text. */
const contrast = (a: string, b: string): number => {
  const [darker, lighter] = [a, b].map((color) => times(toXyz, linear(color))[1]).sort((p, q) => p - q);
  return (lighter! + 0.05) / (darker! + 0.05);
};

const playground = readFileSync(new URL('../../apps/playground/src/page/style.css', import.meta.url), 'utf8');
const variable = (name: string): readonly string[] =>
  [...playground.matchAll(new RegExp(`--${name}: (#\\w{6});`, 'g'))].map(([, color]) => color!);
const [cards, a, b] = [variable('card'), variable('a'), variable('b')];

describe.each([
  { page: 'reports and lists, light', colors: seriesColors.light, card: cards[0]! },
  { page: 'reports and lists, dark', colors: seriesColors.dark, card: cards[1]! },
  { page: 'playground, light', colors: [a[0]!, b[0]!], card: cards[0]! },
  { page: 'playground, dark', colors: [a[1]!, b[1]!], card: cards[1]! },
])('$page', ({ colors, card }) => {
  it.each(Object.entries(visions))('%s tells the colours of curves apart', (_, vision) => {
    for (const [i, one] of colors.entries())
      for (const other of colors.slice(i + 1)) expect(distance(vision, one, other), `${one} and ${other}`).toBeGreaterThan(25);
  });

  it('they stand out from the page', () => {
    for (const color of colors) expect(contrast(color, card), color).toBeGreaterThanOrEqual(3);
  });
});
