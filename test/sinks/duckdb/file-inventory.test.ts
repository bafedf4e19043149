import { describe, expect, it } from 'vitest';
import { mostRows } from '../../../src/sinks/duckdb/file-inventory.js';

describe('mostRows', () => {
  const file = (start: number, next: number, rows = next - start, partition = 0) => ({ partition, start, next, rows });

  it.each([
    ['files side by side', [file(0, 4), file(6, 9), file(0, 2, 2, 1)], [0, 1, 2]],
    ['a joined file instead of its parts', [file(0, 2), file(0, 6), file(2, 6)], [1]],
    ['parts of which the joined file has fewer rows', [file(0, 2), file(0, 6, 3), file(2, 6)], [0, 2]],
    ['a joined file that follows its parts', [file(0, 2), file(2, 6), file(0, 6)], [2]],
    ['parts before a joined file of fewer rows', [file(0, 2), file(2, 6), file(0, 6, 3)], [0, 1]],
    ['the first of two that are alike', [file(0, 6), file(0, 6)], [0]],
    ['of each partition, in order', [file(0, 2, 2, 10), file(0, 2, 2, 9), file(4, 6), file(0, 2)], [3, 2, 1, 0]],
    ['a later join that overlaps an earlier one', [file(0, 20), file(0, 10), file(10, 30)], [1, 2]],
  ])('chooses %s', (_, files, chosen) => {
    expect(mostRows(files)).toEqual(chosen.map((index) => files[index]));
  });
});
