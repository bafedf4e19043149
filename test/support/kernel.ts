/** The kernel held against the reference: messages → chunks → kernel → plain rows. */
import type { Data, RecordBatch } from 'apache-arrow';
import { expect } from 'vitest';
import { bit, Chunk, setBit } from '../../src/chunk.js';
import { Kernel, type KernelOptions } from '../../src/kernel.js';
import type { KernelOutput } from '../../src/kernel-instance.js';
import { type TableColumn, type TableSpec, tableColumns } from '../../src/spec.js';
import { type ReferenceMessage, type ReferenceResult, type ReferenceValue, referenceRow } from './reference.js';

export const WASM_BUILDS = ['release', 'debug'] as const;
export const OPTIONS = { highValueThreshold: '1000', lateAfterMs: 600_000, batchRows: 1000, batchBytes: 1 << 20 };

/** A kernel per build, as the tests use it. */
export function kernelsOf(spec: TableSpec, options: Partial<KernelOptions> = {}): Kernel[] {
  return WASM_BUILDS.map((wasm) => Kernel.create(spec, { ...OPTIONS, ...options, wasm }));
}

/** Messages with these values, of one partition, whose offsets and timestamps count up. */
export function messagesOf(values: readonly (Uint8Array | string | null)[], partition = 3): ReferenceMessage[] {
  return values.map((value, index) => ({
    value: typeof value === 'string' ? Buffer.from(value) : value,
    partition,
    offset: 1000 + index,
    timestamp: 1_735_689_600_000 + index,
  }));
}

/** As few chunks as will do. @param newChunk makes one that has room for a value of so many bytes */
export function chunksOf(messages: readonly ReferenceMessage[], newChunk = chunkFor): Chunk[] {
  const chunks: Chunk[] = [];
  let chunk: Chunk | undefined;
  for (const { value, offset, timestamp } of messages) {
    const bytes = value?.length ?? 0;
    if (!chunk?.hasRoomFor(1, bytes, 0)) {
      chunk = newChunk(bytes);
      chunks.push(chunk);
    }
    const { views, rows } = chunk;
    if (value !== null) views.values.set(value, chunk.valueBytes);
    views.offsets[rows] = BigInt(offset);
    views.timestamps[rows] = BigInt(timestamp);
    chunk.valueBytes += bytes;
    chunk.rows++;
    views.valueOffsets[chunk.rows] = chunk.valueBytes;
    setBit(views.valueValidity, rows, value !== null);
  }
  return chunks;
}

function chunkFor(valueBytes: number): Chunk {
  const chunk = new Chunk();
  return valueBytes > chunk.valueCapacity ? new Chunk(undefined, valueBytes) : chunk;
}

/** What the kernel makes of each message, in the form of the reference. */
export function kernelResults(
  kernel: Kernel,
  spec: TableSpec,
  messages: readonly ReferenceMessage[],
  chunks: readonly Chunk[] = chunksOf(messages),
): ReferenceResult[] {
  const output = kernel.read(
    messages[0]?.partition ?? 0,
    chunks.map((chunk) => chunk.handle()),
  );
  return resultsOf(output, spec, messages, chunks);
}

function resultsOf(
  output: KernelOutput,
  spec: TableSpec,
  messages: readonly ReferenceMessage[],
  chunks: readonly Chunk[],
): ReferenceResult[] {
  const firstOf = chunks.map((_, index) => chunks.slice(0, index).reduce((sum, { rows }) => sum + rows, 0));
  const rejects = new Map(output.rejects.map(({ chunk, row, ...reject }) => [firstOf[chunk] + row, reject]));
  const rows = rowsOf(output.recordBatches, spec);
  let next = 0;
  const results = messages.map(({ value }, index): ReferenceResult => {
    const reject = rejects.get(index);
    if (reject !== undefined) return reject;
    return value === null ? { status: 'tombstone' } : { status: 'ok', row: rows[next++] };
  });
  expect(next).toBe(rows.length);
  return results;
}

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
  expect([name, data.nullCount]).toEqual([name, nulls]);
  if (!nullable) expect([name, nulls]).toEqual([name, 0]);
  const read = reader(data, type);
  return Array.from({ length: data.length }, (_, row) => (isNull(row) ? null : read(row)));
}

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function reader(data: Data, type: TableColumn['type']): (row: number) => ReferenceValue {
  if (type === 'utf8') {
    const { valueOffsets, values } = data;
    expect([valueOffsets.length, valueOffsets[0], valueOffsets[data.length]]).toEqual([
      data.length + 1,
      0,
      values.length,
    ]);
    return (row) => strictText.decode(values.subarray(valueOffsets[row], valueOffsets[row + 1]));
  }
  if (type === 'decimal18_4') {
    const words = new DataView(data.values.buffer, data.values.byteOffset, data.values.byteLength);
    return (row) => (words.getBigInt64(row * 16 + 8, true) << 64n) | words.getBigUint64(row * 16, true);
  }
  return type === 'bool' ? (row) => bit(data.values, row) : (row) => data.values[row];
}

/** Fails where a kernel and the reference differ on a message, and shows the message. */
export function expectAsReference(
  kernels: readonly Kernel[],
  spec: TableSpec,
  messages: readonly ReferenceMessage[],
  chunks?: readonly Chunk[],
): void {
  const wanted = messages.map((message) => referenceRow(spec, OPTIONS, message));
  for (const kernel of kernels) {
    const results = kernelResults(kernel, spec, messages, chunks);
    for (const [index, result] of results.entries()) {
      if (isSame(result, wanted[index])) continue;
      const value = Buffer.from(messages[index].value ?? []);
      expect({ value: value.toString('latin1'), ...result }).toEqual({
        value: value.toString('latin1'),
        ...wanted[index],
      });
    }
  }
}

function isSame(result: ReferenceResult, wanted: ReferenceResult): boolean {
  if (result.status !== wanted.status || result.position !== wanted.position) return false;
  const { row = {} } = wanted;
  return Object.keys(row).every((name) => result.row?.[name] === row[name]);
}
