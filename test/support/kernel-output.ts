/** What a kernel gave back: as plain rows, and as bytes that are compared without making rows of them. */
import assert from 'node:assert/strict';
import type { Data, RecordBatch } from 'apache-arrow';
import { bit } from '../../src/core/chunk.js';
import type { KernelOutput } from '../../src/kernel/kernel-instance.js';
import { roleColumn, type TableColumn, type TableSpec, tableColumns } from '../../src/schema/spec.js';
import type { ReferenceResult, ReferenceValue } from './reference.js';
import { failedOf } from './reference-checks.js';

/** Rows of record batches; checks on the way that the buffers are as Arrow wants them. */
export function rowsOf(batches: readonly RecordBatch[], spec: TableSpec): Record<string, ReferenceValue>[] {
  const columns = tableColumns(spec);
  return batches.flatMap((batch) => {
    const values = columns.map((column, index) => columnValues(batch.data.children[index], column));
    return Array.from({ length: batch.numRows }, (_, row) =>
      Object.fromEntries(columns.map(({ name }, index) => [name, values[index][row]])),
    );
  });
}

function columnValues(data: Data, { name, type, nullable }: TableColumn): ReferenceValue[] {
  const bits = data.nullBitmap;
  const isNull = (row: number) => bits !== undefined && bits.length > 0 && !bit(bits, row);
  const nulls = Array.from({ length: data.length }, (_, row) => isNull(row)).filter(Boolean).length;
  assert.deepEqual([name, data.nullCount], [name, nulls]);
  if (!nullable) assert.deepEqual([name, nulls], [name, 0]);
  const read = reader(data, type);
  return Array.from({ length: data.length }, (_, row) => (isNull(row) ? null : read(row)));
}

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function reader(data: Data, type: TableColumn['type']): (row: number) => ReferenceValue {
  if (type === 'utf8') {
    const { valueOffsets, values } = data;
    const ends = [valueOffsets.length, valueOffsets[0], valueOffsets[data.length]];
    assert.deepEqual(ends, [data.length + 1, 0, values.length]);
    return (row) => strictText.decode(values.subarray(valueOffsets[row], valueOffsets[row + 1]));
  }
  if (type === 'decimal') {
    const words = new DataView(data.values.buffer, data.values.byteOffset, data.values.byteLength);
    return (row) => (words.getBigInt64(row * 16 + 8, true) << 64n) | words.getBigUint64(row * 16, true);
  }
  if (type === 'binary') {
    const { valueOffsets, values } = data;
    return (row) => Buffer.from(values.subarray(valueOffsets[row], valueOffsets[row + 1])).toString('hex');
  }
  if (type === 'uuid') return (row) => Buffer.from(data.values.subarray(row * 16, row * 16 + 16)).toString('hex');
  return type === 'bool' ? (row) => bit(data.values, row) : (row) => data.values[row];
}

/** What a read says of all its messages together. */
export type Summary = Omit<KernelOutput, 'recordBatches' | 'rejects' | 'rowsLearned'>;

/** The same for the results of the reference. */
export function summaryOf(spec: TableSpec, results: readonly ReferenceResult[]): Summary {
  const counts = {
    ok: 0,
    tombstone: 0,
    malformed: 0,
    not_object: 0,
    missing_required: 0,
    too_large: 0,
    kernel_trap: 0,
    not_framed: 0,
    unknown_schema: 0,
    expectation: 0,
  };
  for (const { status } of results) counts[status]++;
  const failedExpectations = failedOf(spec, results);
  const rows = results.flatMap(({ row }) => (row === undefined ? [] : [row]));
  const eventTime = roleColumn(spec, 'event_time')?.name ?? '';
  const times = sorted(rows.map((row) => row[eventTime]));
  const seqs = sorted(rows.map(({ change_seq }) => change_seq));
  return {
    counts,
    failedExpectations,
    rowsLate: rows.filter(({ is_late }) => is_late).length,
    rowsWithIssues: rows.filter(({ issues }) => issues !== 0n).length,
    rowsHighValue: rows.filter(({ is_high_value }) => is_high_value).length,
    maxEventTime: times.at(-1),
    minChangeSeq: seqs[0] ?? 0n,
    maxChangeSeq: seqs.at(-1) ?? 0n,
    trap: undefined,
  };
}

function sorted(values: readonly (ReferenceValue | undefined)[]): bigint[] {
  return values.filter((value) => typeof value === 'bigint').sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A copy of all that a read came to, as bytes: what is equal byte for byte needs no second comparison row by row. */
export class Imprint {
  readonly #rejects: string;
  readonly #nulls: readonly number[];
  readonly #buffers: readonly Uint8Array[];

  /** @param firstRows of each chunk, so that a reject is that of a message, whichever chunk it was in */
  constructor({ recordBatches, rejects }: KernelOutput, firstRows: readonly number[]) {
    const children = recordBatches.flatMap(({ data }) => data.children);
    this.#rejects = rejects
      .map(({ chunk, row, status, position, expectation }) =>
        [firstRows[chunk] + row, status, position, expectation].join(' '),
      )
      .join();
    this.#nulls = children.map(({ nullCount }) => nullCount);
    this.#buffers = children.flatMap(({ values, valueOffsets, nullBitmap }) =>
      [values, valueOffsets, nullBitmap].map((view) => bytesOf(view)),
    );
  }

  equals(other: Imprint): boolean {
    return (
      this.#rejects === other.#rejects &&
      this.#buffers.length === other.#buffers.length &&
      this.#nulls.every((nulls, index) => nulls === other.#nulls[index]) &&
      this.#buffers.every((buffer, index) => Buffer.compare(buffer, other.#buffers[index]) === 0)
    );
  }
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  return view === undefined ? EMPTY : new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
}

const EMPTY = new Uint8Array();
