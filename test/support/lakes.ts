/** Sinks of lakes, with a catalog in a file or in Postgres. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BatchResult, SinkPosition } from '../../src/core/flow.js';
import { rowsOf } from '../../src/core/sql.js';
import { readFiles, type SqlClient } from '../../src/query/sql-client.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { connectLake, type LakeReading, openLake } from '../../src/sinks/ducklake/lake.js';
import { DuckLakeSink, type DuckLakeSinkOptions } from '../../src/sinks/ducklake/sink.js';
import { changesFolder } from '../../src/storage/lake-files.js';
import { isObjectStore } from '../../src/storage/object-store.js';
import { checks } from '../../src/verify/checks.js';
import { readScope } from '../../src/verify/ledger.js';
import { makeBatch, TOPIC, temporaryDirectory } from './batches.js';
import { EXTENSION_DIRECTORY } from './duckdb-extensions.js';

/** @param catalog default: a file in the data directory */
export function lakeOptions(dataDir: string, catalog = join(dataDir, 'catalog.ducklake')): DuckLakeSinkOptions {
  return {
    ...{ dataDir, catalog, topic: TOPIC, spec: ORDERS_SPEC, threads: 1, memoryLimit: 512 << 20, owner: 'test' },
    dataPath: join(dataDir, 'lake'),
    extensionDirectory: EXTENSION_DIRECTORY,
    compaction: { afterFiles: 4, targetBytes: 1 << 20, compression: 'zstd' },
    retention: { changesMs: undefined, quarantineMs: undefined, parquetMs: undefined },
    keepSnapshotsMs: 0,
    objectStore: {
      ...{ accessKeyId: undefined, secretAccessKey: undefined, sessionToken: undefined, region: undefined },
      endpoint: undefined,
    },
  };
}

/** With a data directory of its own and its files in a `describeS3`. @param catalog as of `lakeOptions` */
export function s3LakeOptions(endpoint: string, dataPath: string, catalog?: string): DuckLakeSinkOptions {
  const keys = { accessKeyId: 'test-key', secretAccessKey: 'test-secret', sessionToken: undefined };
  return {
    ...lakeOptions(temporaryDirectory(), catalog),
    dataPath,
    objectStore: { ...keys, region: 'us-east-1', endpoint: `http://${endpoint}` },
  };
}

/** An open sink that owns two partitions, which begin at 0 in a new lake; closed at the end of the test. */
export async function openLakeSink(options: DuckLakeSinkOptions): Promise<DuckLakeSink> {
  const sink = new DuckLakeSink(options);
  onTestFinished(() => sink.close());
  await sink.open();
  await takeOver(sink);
  return sink;
}

/** Claims partitions, which begin at 0 if they are new. @returns their positions */
export async function takeOver(sink: DuckLakeSink, partitions: readonly number[] = [0, 1]): Promise<SinkPosition[]> {
  const known = await sink.claim(partitions);
  const begin = partitions.filter((partition) => !known.some((position) => position.partition === partition));
  const begun = await sink.initPositions(begin.map((partition) => ({ partition, nextOffset: 0, reason: 'earliest' })));
  return [...known, ...begun];
}

/** The result of a batch of the partition's owner. */
export async function makeLakeBatch(
  options: DuckLakeSinkOptions,
  partition: number,
  startOffset: number,
  values: readonly (string | null)[],
  { epoch = 0, nextOffset }: { epoch?: number; nextOffset?: number } = {},
): Promise<BatchResult> {
  const lakeFolder = changesFolder(options.dataPath, options.topic);
  return await makeBatch(options.dataDir, partition, startOffset, values, {
    ...{ lakeFolder, epoch, spec: options.spec },
    ...(isObjectStore(lakeFolder) && { objects: options }),
    ...(nextOffset !== undefined && { nextOffset }),
  });
}

/** Runs a statement on a lake, as someone who may. @returns its rows as arrays of values */
export async function onLake(options: DuckLakeSinkOptions, sql: string): Promise<unknown[][]> {
  const instance = await openLake(options);
  const connection = await connectLake(instance);
  try {
    return (await rowsOf(connection, sql)).map((row) => Object.values(row));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** What the commands read a lake with if no process runs. The caller closes it. */
export async function readLake(options: DuckLakeSinkOptions, at?: string): Promise<SqlClient> {
  const reading: LakeReading = { at, timeZone: 'UTC' };
  const instance = await openLake(options, reading);
  return readFiles({ connect: () => connectLake(instance), close: () => instance.closeSync() });
}

/** What `verify` finds wrong with a lake on which no process works. */
export async function problems(options: DuckLakeSinkOptions): Promise<string[]> {
  const client = await readLake(options);
  const found: string[] = [];
  for await (const { problems } of checks(client, await readScope(client, options.dataDir))) found.push(...problems);
  client.close();
  return found;
}
