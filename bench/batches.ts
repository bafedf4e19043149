/** Batches as the workers make them, for benchmarks of what comes after the workers. */
import { join } from 'node:path';
import type { BatchResult } from '../src/core/flow.js';
import { ORDERS_SPEC } from '../src/schema/spec-file.js';
import type { DuckDbSinkOptions } from '../src/sinks/duckdb/sink.js';
import type { DuckLakeSinkOptions } from '../src/sinks/ducklake/sink.js';
import { BatchProcessor } from '../src/worker/worker.js';
import { orderEvents } from '../test/support/events.js';
import { packed } from './corpora.js';
import { EXTENSION_DIRECTORY } from './harness.js';

export const BATCH_ROWS = 61_440;
export const BATCHES_PER_GROUP = 4;
export const OPTIONS = { highValueThreshold: '1000', lateAfterMs: 600_000, batchRows: 65_536, batchBytes: 32 << 20 };

const TOPIC = 'bench';

const COMPACTION = { afterFiles: 0, targetBytes: 128 << 20, compression: 'zstd' } as const;

const KEEP_ALL = { changesMs: undefined, quarantineMs: undefined, parquetMs: undefined };

export function sinkOptions(
  dataDir: string,
  mergeFrom: DuckDbSinkOptions['mergeFrom'],
  memoryLimit?: number,
): DuckDbSinkOptions {
  return {
    dataDir,
    topic: TOPIC,
    spec: ORDERS_SPEC,
    threads: 1,
    memoryLimit,
    mergeFrom,
    compaction: COMPACTION,
    retention: KEEP_ALL,
  };
}

/** A lake with its catalog in the folder. */
export function lakeOptions(dataDir: string, memoryLimit?: number): DuckLakeSinkOptions {
  return {
    ...{ dataDir, topic: TOPIC, spec: ORDERS_SPEC, threads: 1, memoryLimit, owner: 'bench' },
    compaction: COMPACTION,
    retention: KEEP_ALL,
    keepSnapshotsMs: 7 * 86_400_000,
    catalog: join(dataDir, 'catalog.ducklake'),
    dataPath: join(dataDir, 'lake'),
    extensionDirectory: EXTENSION_DIRECTORY,
    objectStore: {
      ...{ accessKeyId: undefined, secretAccessKey: undefined, sessionToken: undefined, region: undefined },
      endpoint: undefined,
    },
  };
}

/** Results of consecutive batches of one partition. */
export class Batches {
  readonly #processor: BatchProcessor;
  #offset = 0;

  private constructor(processor: BatchProcessor) {
    this.#processor = processor;
  }

  static async open(dataDir: string): Promise<Batches> {
    const files = { dataDir, parquetWriter: 'duckdb', compression: 'zstd' } as const;
    const options = { spec: ORDERS_SPEC, topic: TOPIC, ...files, mergeFrom: 'arrow' } as const;
    return new Batches(await BatchProcessor.create({ ...OPTIONS, ...options }));
  }

  next(values: readonly Buffer[]): Promise<BatchResult> {
    const startOffset = this.#offset;
    const chunks = packed(values, startOffset).map((chunk) => chunk.handle());
    this.#offset += values.length;
    return this.#processor.process({
      partition: 0,
      startOffset,
      nextOffset: this.#offset,
      leaderEpoch: undefined,
      issueBits: ORDERS_SPEC.columns.map((_, index) => index),
      chunks,
    });
  }

  /** The batches of one commit group. */
  async group(values: readonly Buffer[]): Promise<BatchResult[]> {
    const batches: BatchResult[] = [];
    for (let index = 0; index < BATCHES_PER_GROUP; index++) {
      batches.push(await this.next(values.slice(index * BATCH_ROWS, (index + 1) * BATCH_ROWS)));
    }
    return batches;
  }
}

/** @param after seconds since the first event of all: later events have higher ids */
export function eventsFrom(seed: number, after: number, rows: number): Buffer[] {
  const startMs = Date.UTC(2025, 0, 1) + after * 1000;
  return [...orderEvents({ count: rows, seed, shares: {}, startMs })].map(({ value }) => value!);
}
