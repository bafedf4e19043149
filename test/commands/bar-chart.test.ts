import { expect, it } from 'vitest';
import { bars, levels } from '../../src/commands/bar-chart.js';

it('draws bars of eighths, the largest as high as the chart', () => {
  expect(bars([0, 1, 8, 12, 16], 2)).toEqual(['   ▄█', ' ▁███']);
  expect(bars([0, 0], 1)).toEqual(['']);
});

it('has the last count of each part of the time', () => {
  const samples = [
    { seconds: 1, count: 5 },
    { seconds: 2, count: 20 },
    { seconds: 4, count: 30 },
  ];
  expect(levels(samples, 4)).toEqual([5, 20, 20, 30]);
  expect(levels([{ seconds: 4, count: 1 }], 2)).toEqual([0, 1]);
});
