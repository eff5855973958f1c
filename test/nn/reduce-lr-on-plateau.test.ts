import { type PlateauOptions, ReduceLrOnPlateau } from '@initlab/nn';
import { expect, it } from 'vitest';

// Rates of PyTorch 1.13's ReduceLROnPlateau over SGD with lr 0.4, after each metric.
it.each<[string, PlateauOptions, number[], number[]]>([
  [
    'a loss, by shares of the best',
    { patience: 1 },
    [3, 2, 2, 2, 1.9999, 1.9, 2, 2, 2, 2],
    [0.4, 0.4, 0.4, 0.04, 0.04, 0.04, 0.04, 0.004, 0.004, 0.0004],
  ],
  [
    'with a pause, to a least rate',
    { patience: 1, factor: 0.5, cooldown: 2, minLr: 0.15 },
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    [0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0.15, 0.15, 0.15, 0.15],
  ],
  [
    'an accuracy, one not a number',
    { mode: 'max', patience: 0, threshold: 0.05, thresholdMode: 'abs', factor: 0.5 },
    [0.5, 0.55, 0.56, 0.7, Number.NaN, 0.71, 0.71],
    [0.4, 0.2, 0.2, 0.2, 0.1, 0.05, 0.025],
  ],
])('reduces the rate: %s; also where it goes on from a saved state', (_, options, metrics, rates) => {
  const optimizer = { lr: 0.4 };
  let plateau = new ReduceLrOnPlateau(optimizer, options);
  metrics.forEach((metric, i) => {
    const before = optimizer.lr;
    expect(plateau.step(metric)).toBe(optimizer.lr < before);
    expect(optimizer.lr).toBeCloseTo(rates[i] as number, 12);
    const saved = JSON.parse(JSON.stringify(plateau.state()));
    plateau = new ReduceLrOnPlateau(optimizer, options);
    plateau.loadState(saved);
  });
});

it('refuses what it cannot follow', () => {
  const optimizer = { lr: 0.1 };
  expect(() => new ReduceLrOnPlateau(optimizer, { factor: 1 })).toThrow(/factor/);
  expect(() => new ReduceLrOnPlateau(optimizer, { mode: 'less' as 'min' })).toThrow('mode less is unknown; it is min, max');
  expect(() => new ReduceLrOnPlateau({} as typeof optimizer)).toThrow('takes an optimiser, which has an lr');
  expect(() => new ReduceLrOnPlateau(optimizer).step('1' as unknown as number)).toThrow('step() takes a number');
});
