/** What a masked column keeps of a value, as the JSON from which the column keeps the same. */
import type { Data } from 'apache-arrow';
import type { Kind } from '../schema/spec.js';

/** Of amounts. */
const SCALE = 10_000n;
const DAY_MS = 86_400_000n;

/** Of the first row; undefined if it is null. */
export function maskedCell(column: Data, kind: Kind): string | undefined {
  if (!column.getValid(0)) return undefined;
  switch (kind) {
    case 'text':
      return JSON.stringify(textOf(column));
    case 'json':
      return textOf(column);
    case 'amount':
      // Multiples are of whole numbers.
      return String(bigintOf(column) / SCALE);
    case 'int64':
      return String(bigintOf(column));
    case 'timestamp':
      // Periods are of whole milliseconds.
      return dateJson(bigintOf(column) / 1000n);
    case 'date':
      return dateJson(BigInt(column.values[0]) * DAY_MS);
    case 'bool':
      return undefined;
  }
}

function textOf({ values, valueOffsets }: Data): string {
  return Buffer.from(values.subarray(valueOffsets[0], valueOffsets[1])).toString();
}

/** The first 64 bits, which amounts do not exceed. */
function bigintOf({ values }: Data): bigint {
  return new DataView(values.buffer, values.byteOffset).getBigInt64(0, true);
}

/** Extended JSON, of which no unit matters. */
function dateJson(milliseconds: bigint): string {
  return `{"$date":{"$numberLong":"${milliseconds}"}}`;
}
