/**
 * The newest state of a lake as a table (sinks/duckdb/state.ts): files that are made anew as a whole.
 *
 *   sluice.state    sorted by key. All rows that one merge made have its generation, a UUID of version 7
 *   sluice.merged   of each partition the offset up to which that generation has the change log
 *   the tail        rows from there on
 *
 * A merge makes the next generation from the one before and the tail of a snapshot, and removes all others, in one
 * transaction. It writes the files itself (table-file.ts). Each generation is whole and right by itself, and the newest
 * one counts: so two processes that merge at once do no harm, though DuckLake lets only one of them remove the files of
 * the one before.
 */
import { basename, dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { globLiteral, identifier, literal, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { specHash } from '../../schema/spec-hash.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { keyOf } from '../duckdb/newest.js';
import { dropState, FIRST, HAS_STATE, IS_NEWEST, type StateRoom } from '../duckdb/state.js';
import { lastRows, rowsAnew } from '../duckdb/state-merge.js';
import type { LakeTable } from './lake-transaction.js';
import { registeredFiles } from './registered-files.js';
import { type LakeTableName, registerTableFiles, writeTableFiles } from './table-file.js';

export const STATE_TABLE: LakeTableName = { schema: 'sluice', table: 'state' };

/** Sorted by key, a query for one key reads one row group. */
const ROW_GROUP_ROWS = 20_480;

/** Before the first merge. */
const NO_GENERATION = '00000000-0000-0000-0000-000000000000';

/** SQL: the generation that counts. */
const NEWEST = 'SELECT max(generation) FROM sluice.merged';

/** A column of the state has a space in its name, which no column of a spec has. */
const GENERATION = '"the generation"';

/**
 * A partition that began after the last merge is all tail. That all have a mark lets DuckLake leave files unread. The
 * view has it several times, and each time that a table of the catalog is read costs some milliseconds.
 */
const MARK = `SELECT partition_id AS "marked partition",
    coalesce(max(next_offset), max(first_offset)) AS "marked offset"
  FROM sluice.starts LEFT JOIN (
    FROM sluice.merged QUALIFY generation = max(generation) OVER ()) USING (partition_id)
  GROUP BY partition_id`;

const changes = (spec: TableSpec, comparison: string, mark: string) =>
  `(SELECT changes.* FROM ${identifier(spec.table)} changes
    JOIN ${mark} ON kafka_partition = "marked partition" AND kafka_offset ${comparison} "marked offset")`;

const STATE = `(FROM sluice.state WHERE ${GENERATION} = (${NEWEST}))`;

export const LAKE_STATE: StateRoom = {
  state: STATE,
  counted: () => STATE,
  mark: () => MARK,
  tail: (spec, mark) => changes(spec, '>=', mark),
  merged: (spec) => changes(spec, '<', `(${MARK})`),
  async create(connection, spec) {
    await connection.run(
      `CREATE TABLE sluice.merged (
         generation UUID NOT NULL, partition_id INTEGER, next_offset BIGINT, changed_at TIMESTAMPTZ NOT NULL)`,
    );
    await connection.run(
      `INSERT INTO sluice.merged BY NAME SELECT generation: '${NO_GENERATION}'::UUID, changed_at FROM sluice.meta`,
    );
    const columns = await rowsOf(connection, `DESCRIBE ${identifier(spec.table)}`);
    const definitions = columns.map(({ column_name, column_type }) => {
      return `${identifier(String(column_name))} ${column_type}`;
    });
    const own = [`${FIRST.offset} BIGINT`, `${FIRST.time} TIMESTAMPTZ`, `${IS_NEWEST} BOOLEAN`, `${GENERATION} UUID`];
    await connection.run(`CREATE TABLE sluice.state (${[...definitions, ...own].join(', ')})`);
  },
  async reopen() {},
};

/** Below, a merge is not worth the while. */
const MIN_TAIL = 10_000;
/**
 * Share of the state's rows that a tail has at least: a merge writes all of them, and files of snapshots that are kept
 * stay.
 */
const MIN_SHARE = 0.25;

/** Whether there is a state for the spec, with a tail that is to be merged. @param everything however short it is */
export async function isMergeDue(connection: DuckDBConnection, spec: TableSpec, everything: boolean): Promise<boolean> {
  const [{ has_state }] = await rowsOf(connection, HAS_STATE);
  if (has_state !== true || !(await isSpecOf(connection, spec))) return false;
  const [{ tail }] = await rowsOf(
    connection,
    `SELECT coalesce(sum(next_offset - "marked offset"), 0)::BIGINT AS tail
     FROM sluice.positions JOIN (${MARK}) ON "marked partition" = partition_id`,
  );
  if (everything || Number(tail) < MIN_TAIL) return everything && tail !== 0n;
  const [{ rows }] = await rowsOf(connection, `SELECT count(*) AS rows FROM ${LAKE_STATE.state}`);
  return Number(tail) >= Number(rows) * MIN_SHARE;
}

/** Of many processes one can have started with another spec: the tables are for that one then. */
export async function isSpecOf(connection: DuckDBConnection, spec: TableSpec): Promise<boolean> {
  const [meta] = await rowsOf(connection, 'SELECT spec_hash FROM sluice.meta');
  return meta.spec_hash === specHash(spec);
}

export interface StateTarget extends LakeTable {
  readonly compaction: CompactionOptions;
}

/**
 * Merges all of the tail, in the connection's transaction. If another process has changed the tables meanwhile, the
 * transaction fails.
 * @param written gets the paths of the files that it writes, also if the rest fails
 */
export async function mergeLakeTail(
  connection: DuckDBConnection,
  { topic, spec, dataPath, compaction }: StateTarget,
  written: string[] = [],
): Promise<void> {
  if (!(await isMergeDue(connection, spec, true))) return;
  const [{ before, next }] = await rowsOf(
    connection,
    'SELECT max(generation)::VARCHAR AS before, uuidv7()::VARCHAR AS next FROM sluice.merged',
  );
  const isCurrent = `${GENERATION} = ${literal(String(before))}`;
  const generation = `${literal(String(next))}::UUID`;
  const tail = LAKE_STATE.tail(spec, `(${MARK})`);
  const lasts = await lastRows(connection, spec, tail, isCurrent);
  const rows = `(SELECT * REPLACE (${generation} AS ${GENERATION}) FROM (${rowsAnew(tail, lasts, isCurrent)}))
    ORDER BY ${keyOf(spec)}`;
  const metadata = new Map([['sluice.topic', topic]]);
  const copy = { compression: compaction.compression, metadata, rowGroupRows: ROW_GROUP_ROWS };
  written.push(...(await writeTableFiles(connection, dataPath, STATE_TABLE, rows, compaction.targetBytes, copy)));
  if (written.length > 0) await registerTableFiles(connection, STATE_TABLE, written);
  await connection.run(
    `INSERT INTO sluice.merged BY NAME
     SELECT generation: ${generation}, partition_id, next_offset, changed_at
     FROM sluice.positions, sluice.meta`,
  );
  // Last: what is read above is of the state before.
  await connection.run(`DELETE FROM sluice.state WHERE ${GENERATION} <> ${generation}`);
  await connection.run(`DELETE FROM sluice.merged WHERE generation <> ${generation}`);
  await lasts.drop();
}

/**
 * Makes the tables anew, in the connection's transaction: from a file that is gone no row can be deleted. All of the
 * change log is the tail then.
 */
export async function remakeLakeState(connection: DuckDBConnection, spec: TableSpec): Promise<void> {
  await dropState(connection);
  await LAKE_STATE.create(connection, spec);
}

/** The files of the state that are not where the catalog has them. @throws DuckDB's error if nobody can tell */
export async function lostStateFiles(connection: DuckDBConnection, dataPath: string): Promise<string[]> {
  const { schema, table } = STATE_TABLE;
  const files = await rowsOf(
    connection,
    `SELECT file FROM ${registeredFiles(dataPath)} WHERE is_current AND NOT is_delete
     AND schema_name = ${literal(schema)} AND table_name = ${literal(table)}`,
  );
  const lost: string[] = [];
  for (const { file } of files) {
    // Of a name without a pattern, no object store is asked.
    const path = String(file);
    const found = await rowsOf(
      connection,
      `SELECT file FROM glob(${globLiteral(dirname(path), `${basename(path)}*`)})`,
    );
    if (found.length === 0) lost.push(path);
  }
  return lost;
}

/** The tables of a state, of which `emptyLakeState` deletes rows; none if it is no table. */
export async function stateTables(connection: DuckDBConnection): Promise<string[]> {
  const [{ has_state }] = await rowsOf(connection, HAS_STATE);
  return has_state === true ? ['state', 'merged'] : [];
}

/** All of the change log is the tail then, in the connection's transaction: it has changed below the mark. */
export async function emptyLakeState(connection: DuckDBConnection): Promise<void> {
  await connection.run('DELETE FROM sluice.state');
  await connection.run('DELETE FROM sluice.merged');
  await connection.run('INSERT INTO sluice.merged BY NAME SELECT generation: uuidv7(), changed_at FROM sluice.meta');
}
