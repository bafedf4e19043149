import { expect, it } from 'vitest';
import { MAX_ROW_GROUP_ROWS, rowGroupRows } from '../../src/parquet/row-groups.js';

const MIB = 1 << 20;
const small = (rows: number) => ({ rows, textBytes: rows * 100 });

it.each([
  ['short text', [small(300_000)], MAX_ROW_GROUP_ROWS],
  ['no text', [{ rows: 300_000, textBytes: 0 }], MAX_ROW_GROUP_ROWS],
  ['rows of a megabyte', [{ rows: 500, textBytes: 500 * MIB }], 30],
  ['rows that are larger than a row group should be', [{ rows: 3, textBytes: 120 * MIB }], 1],
  ['a large row among small ones', [small(100_000), { rows: 1, textBytes: MIB }, small(100_000)], MAX_ROW_GROUP_ROWS],
  ['many large rows one after the other', [small(100_000), ...Array(100).fill({ rows: 1, textBytes: MIB })], 30],
  ['as much as there may be', [{ rows: 1000, textBytes: 32 * MIB }], MAX_ROW_GROUP_ROWS],
])('makes row groups of at most 32 MiB of text: %s', (_, runs, rows) => {
  expect(rowGroupRows(runs)).toBe(rows);
});
