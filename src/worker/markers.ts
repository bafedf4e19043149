/** Which rows of a batch are markers of snapshots, told from the kernel's Arrow data. */
import type { Data, RecordBatch } from 'apache-arrow';
import { OPERATION } from '../core/operations.js';

const BEGIN = Buffer.from(OPERATION.snapshotBegin);
const END = Buffer.from(OPERATION.snapshotEnd);

/** How many rows are markers. @param operation index of the text column that says so */
export function countMarkers(recordBatches: readonly RecordBatch[], operation: number): number {
  return recordBatches.reduce((sum, { data }) => sum + markersOf(data.children[operation]), 0);
}

/** Most texts are not as long as a marker: of those only the length is looked at. */
function markersOf({ valueOffsets, values, length: rows }: Data): number {
  let markers = 0;
  for (let row = 0, start = valueOffsets[0]; row < rows; row++) {
    const end = valueOffsets[row + 1];
    const length = end - start;
    if (length === BEGIN.length && isText(values, start, BEGIN)) markers++;
    else if (length === END.length && isText(values, start, END)) markers++;
    start = end;
  }
  return markers;
}

function isText(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text[index]) return false;
  }
  return true;
}
