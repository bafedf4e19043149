import { describe, expect, it } from 'vitest';
import { drawTable } from '../../src/commands/text-table.js';

const ROWS = [
  ['a text that is rather long', 12.5, null],
  ['b', 3, [1, 2]],
];
const COLUMNS = ['name', 'amount', 'list'];

describe('drawTable', () => {
  it('has columns side by side, numbers to the right', () => {
    for (const width of [undefined, 45]) {
      expect(drawTable(COLUMNS, ROWS, 2, width)).toBe(
        [
          'name                        amount  list',
          '──────────────────────────  ──────  ─────',
          'a text that is rather long    12.5  ∅',
          'b                                3  [1,2]',
          '',
        ].join('\n'),
      );
    }
  });

  it('has a block per row if the terminal is too narrow, and no line that is wider', () => {
    expect(drawTable(COLUMNS, ROWS, 7, 20)).toBe(
      [
        '── row 1 ───────────',
        'name    a text that…',
        'amount  12.5',
        'list    ∅',
        '── row 2 ───────────',
        'name    b',
        'amount  3',
        'list    [1,2]',
        '… and 5 more rows (of 7)',
        '',
      ].join('\n'),
    );
  });

  it('cuts the head of a table without rows', () => {
    expect(drawTable(COLUMNS, [], 0, 10)).toBe('name  amo…\n────  ───…\n');
  });
});
