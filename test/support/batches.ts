/** Batches as workers make them: real kernel, real Parquet files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import type { BatchResult } from '../../src/core/flow.js';
import { rowsOf } from '../../src/core/sql.js';
import type { ParquetWriterName } from '../../src/parquet/parquet-writer.js';
import type { RunningQueries } from '../../src/query/running-queries.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { DuckDbSink, type DuckDbSinkOptions } from '../../src/sinks/duckdb/sink.js';
import type { DuckLakeSink } from '../../src/sinks/ducklake/sink.js';
import type { ObjectStoreOptions } from '../../src/storage/object-store.js';
import { BatchProcessor } from '../../src/worker/worker.js';
import { fillChunk } from './chunks.js';

export const TOPIC = 'cdc_orders';

/** A data directory of its own, removed at the end of the test. */
export function temporaryDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sink-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const KEEP_ALL = { changesMs: undefined, quarantineMs: undefined, parquetMs: undefined };

type SinkChoices = Partial<Pick<DuckDbSinkOptions, 'spec' | 'mergeFrom' | 'memoryLimit' | 'state' | 'retention'>>;

export function sinkOptions(
  dataDir: string,
  { spec = ORDERS_SPEC, mergeFrom = 'parquet', memoryLimit, state, retention = KEEP_ALL }: SinkChoices = {},
): DuckDbSinkOptions {
  const compaction = { afterFiles: 4, targetBytes: 1 << 20, compression: 'zstd' } as const;
  return { dataDir, topic: TOPIC, spec, threads: 1, memoryLimit, mergeFrom, compaction, state, retention };
}

/** An open sink with positions of two partitions at 0, closed at the end of the test. */
export async function openSink(
  dataDir: string,
  options: SinkChoices = {},
  queries?: RunningQueries,
): Promise<DuckDbSink> {
  const sink = new DuckDbSink(sinkOptions(dataDir, options), queries);
  await sink.open();
  await sink.initPositions([0, 1].map((partition) => ({ partition, nextOffset: 0, reason: 'earliest' })));
  onTestFinished(() => sink.close());
  return sink;
}

/** A resume token of second `seconds` and increment `increment`. */
export function token(seconds: number, increment = 0): string {
  return `82${seconds.toString(16).padStart(8, '0')}${increment.toString(16).padStart(8, '0')}2B`;
}

export function order(changeId: string, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ change_id: changeId, operation: 'insert', order_id: `o-${changeId}`, ...fields });
}

/** Tombstones are rows of their keys; those of `makeBatch` are no JSON, so they go to the quarantine. */
export const TOMBSTONES_SPEC = parseSpec(
  JSON.stringify({
    table: 'cdc_orders',
    view: 'orders',
    columns: [
      { name: 'order_id', paths: ['order_id', { key: 'id' }], kind: 'text', required: true, role: 'key' },
      { name: 'operation', kind: 'text', role: 'operation' },
    ],
    deletes: { tombstone: true },
  }),
  'of the test',
);

/** What any chunk takes. */
const SMALL_BYTES = 512 << 10;

const processors = new Map<string, Promise<BatchProcessor>>();

export interface BatchChoices {
  readonly nextOffset?: number;
  readonly leaderEpoch?: number;
  readonly spec?: TableSpec;
  readonly parquetWriter?: ParquetWriterName;
  /** Of a lake, and the epoch of the partition's owner. */
  readonly lakeFolder?: string;
  readonly epoch?: number;
  /** For a lake folder of `s3://…`. */
  readonly objects?: ObjectStoreOptions;
  /** Of all messages, in Kafka. */
  readonly timestamp?: number;
}

/**
 * The result of a batch whose messages have the offsets from `startOffset` on.
 * @param nextOffset where the batch ends; default after its last message
 */
export async function makeBatch(
  dataDir: string,
  partition: number,
  startOffset: number,
  values: readonly (string | null)[],
  choices: BatchChoices = {},
): Promise<BatchResult> {
  const { spec = ORDERS_SPEC, parquetWriter = 'duckdb', lakeFolder, epoch, objects } = choices;
  const { nextOffset = startOffset + values.length, leaderEpoch, timestamp = 1_700_000_000_000 } = choices;
  const name = JSON.stringify([dataDir, spec, parquetWriter, lakeFolder]);
  const options = {
    highValueThreshold: '1000',
    lateAfterMs: 600_000,
    batchRows: 65_536,
    batchBytes: 4 << 20,
    mergeFrom: 'arrow',
  } as const;
  const processor =
    processors.get(name) ??
    BatchProcessor.create({
      ...{ ...options, spec, topic: TOPIC, dataDir, parquetWriter, lakeFolder, objects },
      compression: 'zstd',
    });
  processors.set(name, processor);
  const messages = values.map((value, index) => ({
    offset: startOffset + index,
    timestamp,
    key: 'k',
    value,
  }));
  const chunks = [];
  for (let from = 0; from < messages.length; from += 1000) {
    const part = messages.slice(from, from + 1000);
    const bytes = part.reduce((sum, { value }) => sum + Buffer.byteLength(value ?? ''), 0);
    const chunk = bytes < SMALL_BYTES ? new Chunk() : new Chunk(part.length, Math.ceil(bytes / 8) * 8);
    chunks.push(fillChunk(chunk, part).handle());
  }
  const issueBits = spec.columns.map((_, index) => index);
  return (await processor).process({
    ...{ partition, startOffset, nextOffset, leaderEpoch, epoch, issueBits, chunks },
  });
}

/** The rows of a query beside the sink's own connections, as arrays of values. */
export async function select(sink: DuckDbSink | DuckLakeSink, sql: string): Promise<unknown[][]> {
  const connection = await sink.connect();
  try {
    return (await rowsOf(connection, sql)).map((row) => Object.values(row));
  } finally {
    connection.closeSync();
  }
}
