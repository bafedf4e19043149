/** States that are merged when a test says so. */
import { RunningQueries } from '../../src/query/running-queries.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import type { StateKind } from '../../src/sinks/duckdb/settings.js';
import type { DuckDbSink } from '../../src/sinks/duckdb/sink.js';
import { mergeTail } from '../../src/sinks/duckdb/state-merge.js';
import { makeBatch, openSink } from './batches.js';

export const ALL = 1_000_000;

/** A sink whose state is merged only when the test says so. */
export async function openQuiet(
  dataDir: string,
  ...[state, spec]: [state?: StateKind, spec?: TableSpec]
): Promise<DuckDbSink> {
  const queries = new RunningQueries();
  // Holds back the one that works by itself.
  void queries.alone(() => new Promise(() => {}));
  return await openSink(dataDir, { state, ...(spec && { spec }) }, queries);
}

/** @param manyRows from so many rows on the state is written anew, if they are half of it */
export async function merge(
  sink: DuckDbSink,
  maxRows = ALL,
  spec: TableSpec = ORDERS_SPEC,
  manyRows?: number,
): Promise<number> {
  const connection = await sink.connect();
  await connection.run('BEGIN');
  const { rows } = await mergeTail(connection, spec, maxRows, manyRows);
  await connection.run('COMMIT');
  connection.closeSync();
  return rows;
}

export interface Change {
  readonly id: string;
  readonly key: string;
  readonly type?: string | undefined;
  readonly operation?: string;
}

export const change = ({ id, key, type, operation = 'update' }: Change) =>
  JSON.stringify({ change_id: id, order_id: key, order_id_type: type, operation, status: id });

/** Commits changes of partition 0. */
export async function write(
  sink: DuckDbSink,
  dataDir: string,
  ...[start, changes, spec]: [start: number, changes: readonly Change[], spec?: TableSpec]
): Promise<void> {
  await sink.stage(await makeBatch(dataDir, 0, start, changes.map(change), spec && { spec }));
  await sink.commit();
}
