/** For how much the memory of an instance is laid out. */
import { hasOffsets, type TableSpec, tableColumns } from '../schema/spec.js';
import { KEY_EXTRA_BYTES } from './abi.js';
import { textTimes } from './mask-table.js';
import type { KernelLimits } from './regions.js';
import { wordBytes } from './word-table.js';

export interface BatchSizes {
  /** Rows and value bytes of a record batch; what has more is several. */
  readonly batchRows: number;
  readonly batchBytes: number;
}

/** What a chunk of the usual size has at most (chunk.ts). */
const CHUNK_ROWS = 4096;
const CHUNK_BYTES = 1 << 20;
const CHUNK_KEY_BYTES = 1 << 16;
/** All text columns together; only memory that is touched counts. */
const MAX_TEXT_BYTES = 2 ** 31;

export function kernelLimits(spec: TableSpec, { batchRows, batchBytes }: BatchSizes): KernelLimits {
  const texts = tableColumns(spec).filter(({ type }) => hasOffsets(type));
  const textColumns = texts.reduce((sum, { source }) => sum + textTimes(spec, source), 0);
  const rowBytes = KEY_EXTRA_BYTES + wordBytes(spec);
  const chunkBytes = CHUNK_BYTES + CHUNK_KEY_BYTES + CHUNK_ROWS * rowBytes;
  return {
    chunkRows: CHUNK_ROWS,
    chunkBytes: CHUNK_BYTES,
    keyBytes: CHUNK_KEY_BYTES,
    batchRows: batchRows + CHUNK_ROWS,
    columnBytes: Math.min(batchBytes + chunkBytes, Math.floor(MAX_TEXT_BYTES / textColumns)),
  };
}

/** Of an instance for one message that is larger than the input region. @param keyBytes 0 if the spec reads no keys */
export function limitsOfLarge(valueBytes: number, keyBytes: number): KernelLimits {
  const columnBytes = valueBytes + keyBytes + KEY_EXTRA_BYTES;
  return { chunkRows: 8, chunkBytes: valueBytes, keyBytes, batchRows: 8, columnBytes };
}
