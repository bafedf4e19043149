/** Messages that `sluice capture` masked already: a mask of a mask would join with nothing. */
import type { Data, RecordBatch } from 'apache-arrow';
import { SluiceError } from '../core/errors.js';

/** Change ids of such messages: `82`, 16 hexadecimal digits of a time, `M`, 32 of an HMAC. */
const LENGTH = 51;
const START = Buffer.from('82');
const MARK_AT = 18;
const MARK = 'M'.charCodeAt(0);

/**
 * @param changeId index of the text column
 * @throws SluiceError SLUICE_CONFIG if a row is of a masked message
 */
export function throwIfMasked(recordBatches: readonly RecordBatch[], changeId: number, topic: string): void {
  if (!recordBatches.some(({ data }) => hasMasked(data.children[changeId]))) return;
  throw new SluiceError(
    'SLUICE_CONFIG',
    `the messages of ${topic} were masked by \`sluice capture\`, and masks of the table spec would mask them again: ` +
      'leave `mask` and `masks` out of the table spec of this run',
  );
}

function hasMasked({ valueOffsets, values, length: rows }: Data): boolean {
  for (let row = 0; row < rows; row++) {
    const start = valueOffsets[row];
    if (valueOffsets[row + 1] - start !== LENGTH || values[start + MARK_AT] !== MARK) continue;
    if (values[start] === START[0] && values[start + 1] === START[1]) return true;
  }
  return false;
}
