/** The kernel held against the reference: messages → chunks → kernel → plain rows. */
import assert from 'node:assert/strict';
import { Chunk, setBit } from '../../src/core/chunk.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { type KernelFileOptions, openKernel } from '../../src/kernel/kernel-file.js';
import type { KernelOutput } from '../../src/kernel/kernel-instance.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { Imprint, rowsOf, type Summary, summaryOf } from './kernel-output.js';
import { type ReferenceMessage, type ReferenceResult, referenceRow } from './reference.js';
import { TEST_KEY } from './reference-masks.js';

/** What reads chunks: a kernel, or what a test has put around one. */
export type Reader = Pick<Kernel, 'read'>;

/** Each build with and without the speculative path. */
export const VARIANTS = [
  { wasm: 'release', learned: true },
  { wasm: 'release', learned: false },
  { wasm: 'debug', learned: true },
  { wasm: 'debug', learned: false },
] as const;
export const OPTIONS = {
  ...{ highValueThreshold: '1000', lateAfterMs: 600_000, batchRows: 1000, batchBytes: 1 << 20 },
  maskKey: TEST_KEY,
};

/** A kernel per variant, as the tests use it. */
export function kernelsOf(
  spec: TableSpec,
  options: Partial<KernelFileOptions> = {},
  variants = [...VARIANTS],
): Kernel[] {
  return variants.map((variant) => openKernel(spec, { ...OPTIONS, ...options, ...variant }));
}

/** Messages with these values, of one partition, whose offsets and timestamps count up. */
export function messagesOf(
  values: readonly (Uint8Array | string | null)[],
  partition = 3,
  keys: readonly (Uint8Array | string | null)[] = [],
): ReferenceMessage[] {
  const bytesOf = (text: Uint8Array | string | null) => (typeof text === 'string' ? Buffer.from(text) : text);
  return values.map((value, index) => ({
    value: bytesOf(value),
    key: bytesOf(keys[index] ?? null),
    partition,
    offset: 1000 + index,
    timestamp: 1_735_689_600_000 + index,
  }));
}

/** Chunks of the usual size, or of what the messages take. */
function chunkFor(messages: readonly ReferenceMessage[]): (valueBytes: number) => Chunk {
  const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const usual = bytes > MAX_SMALL_BYTES ? undefined : bytes;
  const keyBytes = messages.reduce((sum, { key }) => sum + (key?.length ?? 0), 0);
  return (valueBytes) => new Chunk(undefined, valueBytes > MAX_SMALL_BYTES ? valueBytes : usual, keyBytes);
}

const MAX_SMALL_BYTES = 512 << 10;

/** As few chunks as will do. @param newChunk makes one with space for a value of so many bytes */
export function chunksOf(messages: readonly ReferenceMessage[], newChunk = chunkFor(messages)): Chunk[] {
  const chunks: Chunk[] = [];
  let chunk: Chunk | undefined;
  for (const { value, key, offset, timestamp } of messages) {
    const bytes = value?.length ?? 0;
    const keyBytes = key?.length ?? 0;
    if (!chunk?.hasRoomFor(1, bytes, keyBytes)) {
      chunk = newChunk(bytes);
      chunks.push(chunk);
    }
    const { views, rows } = chunk;
    if (value !== null) views.values.set(value, chunk.valueBytes);
    if (key) views.keys.set(key, chunk.keyBytes);
    views.offsets[rows] = BigInt(offset);
    views.timestamps[rows] = BigInt(timestamp);
    chunk.valueBytes += bytes;
    chunk.keyBytes += keyBytes;
    chunk.rows++;
    views.valueOffsets[chunk.rows] = chunk.valueBytes;
    views.keyOffsets[chunk.rows] = chunk.keyBytes;
    setBit(views.valueValidity, rows, value !== null);
    setBit(views.keyValidity, rows, key !== null && key !== undefined);
  }
  return chunks;
}

/** What the kernel makes of each message, in the form of the reference. */
export function kernelResults(
  kernel: Reader,
  spec: TableSpec,
  messages: readonly ReferenceMessage[],
  chunks: readonly Chunk[] = chunksOf(messages),
): ReferenceResult[] {
  return resultsOf(read(kernel, messages, chunks), spec, messages, chunks);
}

function read(kernel: Reader, messages: readonly ReferenceMessage[], chunks: readonly Chunk[]): KernelOutput {
  return kernel.read(
    messages[0]?.partition ?? 0,
    chunks.map((chunk) => chunk.handle()),
  );
}

function firstRows(chunks: readonly Chunk[]): number[] {
  return chunks.map((_, index) => chunks.slice(0, index).reduce((sum, { rows }) => sum + rows, 0));
}

function resultsOf(
  output: KernelOutput,
  spec: TableSpec,
  messages: readonly ReferenceMessage[],
  chunks: readonly Chunk[],
): ReferenceResult[] {
  const firstOf = firstRows(chunks);
  const rejects = new Map(output.rejects.map(({ chunk, row, ...reject }) => [firstOf[chunk] + row, reject]));
  const rows = rowsOf(output.recordBatches, spec);
  let next = 0;
  const results = messages.map(({ value }, index): ReferenceResult => {
    const reject = rejects.get(index);
    if (reject !== undefined) return reject;
    const isTombstone = value === null && !spec.deletes?.tombstone;
    return isTombstone ? { status: 'tombstone' } : { status: 'ok', row: rows[next++] };
  });
  assert.equal(next, rows.length);
  return results;
}

/**
 * Fails if a kernel and the reference differ on a message, and shows the message.
 * @param chunkings ways in which the messages are divided into chunks; each is read by each kernel
 */
export function expectAsReference(
  kernels: readonly Reader[],
  spec: TableSpec,
  messages: readonly ReferenceMessage[],
  ...chunkings: readonly (readonly Chunk[])[]
): void {
  const wanted = messages.map((message) => referenceRow(spec, OPTIONS, message));
  const summary = summaryOf(spec, wanted);
  let proven: Imprint | undefined;
  for (const chunks of chunkings.length > 0 ? chunkings : [chunksOf(messages)]) {
    const firstOf = firstRows(chunks);
    for (const kernel of kernels) {
      const output = read(kernel, messages, chunks);
      expectSummary(output, summary);
      const imprint = new Imprint(output, firstOf);
      if (proven?.equals(imprint)) continue;
      expectSame(resultsOf(output, spec, messages, chunks), wanted, messages);
      proven = imprint;
    }
  }
}

/** Fails if the kernels differ; for messages that would take the reference too long. @returns what they all say */
export function expectSameOutput(kernels: readonly Reader[], chunks: readonly Chunk[]): KernelOutput {
  const outputs = kernels.map((kernel) => read(kernel, [], chunks));
  const [first, ...others] = outputs.map((output) => new Imprint(output, firstRows(chunks)));
  for (const other of others) assert(other.equals(first), 'all kernels say the same');
  for (const { counts } of outputs) assert.deepEqual(counts, outputs[0].counts);
  return outputs[0];
}

function expectSummary(output: KernelOutput, wanted: Summary): void {
  const names = Object.keys(wanted) as (keyof Summary)[];
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, output[name]])), wanted);
}

function expectSame(
  results: readonly ReferenceResult[],
  wanted: readonly ReferenceResult[],
  messages: readonly ReferenceMessage[],
): void {
  for (const [index, result] of results.entries()) {
    if (isSame(result, wanted[index])) continue;
    const value = Buffer.from(messages[index].value ?? []).toString('latin1');
    const key = Buffer.from(messages[index].key ?? []).toString('latin1');
    assert.deepEqual({ index, key, value, ...result }, { index, key, value, ...wanted[index] });
  }
}

function isSame(result: ReferenceResult, wanted: ReferenceResult): boolean {
  const names = ['status', 'position', 'column', 'expectation'] as const;
  if (names.some((name) => result[name] !== wanted[name])) return false;
  const { row = {} } = wanted;
  return Object.keys(row).every((name) => result.row?.[name] === row[name]);
}
