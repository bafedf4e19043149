/** Moves rows of the change log into the state, in a transaction that the caller begins and commits. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { createState, findMerged } from './merged-row.js';
import { type FirstColumns, ITSELF, keyOf, newestOf, typeOf } from './newest.js';
import { FIRST, IS_NEWEST, type StateRoom } from './state.js';

/** A rollback for want of memory can leave a table that cannot be replaced anymore: each has a name of its own. */
let tables = 0;

/** Rows of a merge that replaces rows in place. */
const PART_ROWS = 1_000_000;
/** From so many rows on, and so many for each row of the state, it costs less to write the state anew. */
const MANY_ROWS = 100_000;
const MOST = 0.5;
/** The state is sorted up to so many rows: sorting spills all of them as they are, without compression. */
const MAX_SORTED_ROWS = 5_000_000;

/** What a merge did. */
export interface Merged {
  readonly rows: number;
  /** Whether no row of the tail was left. */
  readonly isAll: boolean;
  /** Rows of the state now. */
  readonly stateRows: number;
}

/**
 * Merges the first rows of the tail: they, and what the state has of their keys, are replaced by the last of them. To
 * do so again changes nothing.
 * @param maxRows of the tail
 * @param manyRows fewer are replaced in place
 */
export async function mergeTail(
  connection: DuckDBConnection,
  spec: TableSpec,
  maxRows: number,
  manyRows = MANY_ROWS,
): Promise<Merged> {
  const table = identifier(spec.table);
  const from = await findMerged(connection, spec);
  // Nothing is merged yet, or nothing tells what is: then all is merged again.
  if (from === -1n) await connection.run('DELETE FROM sluice.state');
  const kept = await stateRows(connection);
  let limit = maxRows;
  let { rows, to } = await firstOfTail(connection, table, from, limit);
  if (rows === 0) return { rows, isAll: true, stateRows: kept };
  const isAnew = rows >= Math.max(manyRows, kept * MOST);
  if (!isAnew && rows > PART_ROWS) {
    limit = PART_ROWS;
    ({ rows, to } = await firstOfTail(connection, table, from, limit));
  }
  const merged = `(FROM ${table} WHERE ${table}.rowid > ${from} AND ${table}.rowid <= ${to})`;
  await (isAnew ? writeAnew : replaceRows)(connection, spec, merged);
  await connection.run(
    `UPDATE sluice.merged SET row_id = ${to}, partition_id = kafka_partition, message_offset = kafka_offset
     FROM ${table} WHERE ${table}.rowid = ${to}`,
  );
  return { rows, isAll: rows < limit, stateRows: await stateRows(connection) };
}

/** How many rows the state has. */
export async function stateRows(connection: DuckDBConnection): Promise<number> {
  const [{ rows }] = await rowsOf(connection, 'SELECT count(*)::DOUBLE AS rows FROM sluice.state');
  return Number(rows);
}

/** @returns how many rows of the tail a limit takes, and the id of the last one */
async function firstOfTail(connection: DuckDBConnection, table: string, from: bigint, limit: number) {
  const [{ rows, to }] = await rowsOf(
    connection,
    `SELECT count(*)::DOUBLE AS rows, max("the row") AS "to"
     FROM (SELECT rowid AS "the row" FROM ${table} WHERE rowid > ${from} LIMIT ${limit})`,
  );
  return { rows: Number(rows), to: to as bigint | null };
}

/** @param merged SQL relation of the rows of the change log to merge */
async function replaceRows(connection: DuckDBConnection, spec: TableSpec, merged: string): Promise<void> {
  const { known, last, drop } = await lastRows(connection, spec, merged);
  await connection.run(`INSERT INTO sluice.state BY NAME ${newRows(merged, last)}`);
  await connection.run(`INSERT INTO sluice.state BY NAME ${keptRows(last)}`);
  await connection.run(`DELETE FROM sluice.state WHERE rowid IN (SELECT "the row" FROM ${known})`);
  await drop();
}

/** As `replaceRows`. Sorted by key, a query for one key reads few row groups. */
async function writeAnew(connection: DuckDBConnection, spec: TableSpec, merged: string): Promise<void> {
  const lasts = await lastRows(connection, spec, merged);
  const [{ added }] = await rowsOf(
    connection,
    `SELECT count(*)::DOUBLE AS added FROM ${lasts.last} WHERE "the row" = -1`,
  );
  await replaceState(connection, spec, rowsAnew(merged, lasts), (await stateRows(connection)) + Number(added));
  await lasts.drop();
}

/** @param rows SQL of all rows of the state, in any order @param maxCount how many they are at most */
async function replaceState(
  connection: DuckDBConnection,
  spec: TableSpec,
  ...[rows, maxCount]: [rows: string, maxCount: number]
): Promise<void> {
  await createState(connection, spec, 'new_state');
  const isSorted = maxCount <= MAX_SORTED_ROWS;
  await connection.run(
    `INSERT INTO sluice.new_state BY NAME FROM (${rows}) ${isSorted ? `ORDER BY ${keyOf(spec)}` : ''};
     DROP TABLE sluice.state;
     ALTER TABLE sluice.new_state RENAME TO state`,
  );
}

/** SQL: all rows of the state when the rows of a relation are merged. @param isState as for `lastRows` */
export function rowsAnew(merged: string, { known, last }: LastRows, isState = 'true'): string {
  return `${newRows(merged, last)}
    UNION ALL BY NAME ${keptRows(last)}
    UNION ALL BY NAME
    SELECT s.* FROM sluice.state s ANTI JOIN ${known} k ON s.rowid = k."the row" WHERE ${isState}`;
}

/** SQL: the rows of the change log that come into the state. */
function newRows(merged: string, last: string): string {
  return `SELECT merged.*, ${FIRST.offset}, ${FIRST.time}, ${IS_NEWEST}
    FROM ${merged} merged JOIN (FROM ${last} WHERE "the row" = -1)
    ON kafka_partition = "the partition" AND kafka_offset = "the offset"`;
}

/** Temporary tables: what is to become of rows when some of the change log are merged. */
export interface LastRows {
  /** The rows of the state of the keys that are merged: their ids are in "the row". */
  readonly known: string;
  /**
   * The last rows of these keys: "the partition", "the offset", the first ones, whether they are the newest, and in
   * "the row" the id of the row of the state, -1 of one of the change log.
   */
  readonly last: string;
  drop(): Promise<void>;
}

/**
 * @param merged SQL of the rows of the change log that are merged, what follows a FROM
 * @param isState SQL: whether a row of `sluice.state` counts
 */
export async function lastRows(
  connection: DuckDBConnection,
  spec: TableSpec,
  merged: string,
  isState = 'true',
): Promise<LastRows> {
  const [key, type] = [keyOf(spec), typeOf(spec)];
  const number = tables++;
  const [parts, known, all, last] = ['parts', 'known', 'all', 'last'].map((name) => `temp.${name}_${number}`);
  const group = type === undefined ? key : `${key}, ${type}`;
  await connection.run(`CREATE TEMP TABLE ${parts} AS ${lastOf(spec, merged, ITSELF, '-1')}`);
  await connection.run(
    `CREATE TEMP TABLE ${known} AS SELECT ${group}, kafka_partition, kafka_offset, kafka_timestamp, ${FIRST.offset},
       ${FIRST.time}, rowid AS "the row"
     FROM sluice.state SEMI JOIN (SELECT DISTINCT ${key} AS "the key" FROM ${parts})
     ON "the key" IS NOT DISTINCT FROM ${key} WHERE ${isState}`,
  );
  await connection.run(
    `CREATE TEMP TABLE ${all} AS
     ${lastOf(spec, `(FROM ${parts} UNION ALL FROM ${known})`, FIRST, 'arg_max("the row", kafka_offset)')}`,
  );
  await connection.run(
    `CREATE TEMP TABLE ${last} AS WITH ${newestOf(spec, all, FIRST)}
     SELECT kafka_partition AS "the partition", kafka_offset AS "the offset", ${FIRST.offset}, ${FIRST.time}, "the row",
       "the newest".kafka_offset IS NOT NULL AS ${IS_NEWEST}
     FROM ${all} LEFT JOIN "the newest" USING (kafka_partition, kafka_offset)`,
  );
  const drop = async () => {
    for (const name of [parts, known, all, last]) await connection.run(`DROP TABLE ${name}`);
  };
  return { known, last, drop };
}

/** SQL: the rows of the state that stay the last ones of keys that are merged, with what has changed of them. */
function keptRows(last: string): string {
  return `SELECT s.* REPLACE (n.${FIRST.offset} AS ${FIRST.offset}, n.${FIRST.time} AS ${FIRST.time},
      n.${IS_NEWEST} AS ${IS_NEWEST})
    FROM sluice.state s JOIN ${last} n ON s.rowid = n."the row"`;
}

/**
 * SQL of the last row of each key, type and partition in a relation, with where the first one was.
 * @param row SQL of another aggregate, `"the row"`
 */
export function lastOf(spec: TableSpec, relation: string, first: FirstColumns, row: string): string {
  const [key, type] = [keyOf(spec), typeOf(spec)];
  return `SELECT ${key}, ${type === undefined ? '' : `${type}, `}kafka_partition, max(kafka_offset) AS kafka_offset,
      arg_max_null(kafka_timestamp, kafka_offset) AS kafka_timestamp, min(${first.offset}) AS ${FIRST.offset},
      arg_min_null(${first.time}, ${first.offset}) AS ${FIRST.time}, ${row} AS "the row"
    FROM ${relation} GROUP BY ALL`;
}

/**
 * SQL: a text for each row of the state that is not what merging the change log so far makes.
 * @param hasAllFirst the first rows are still there
 */
export function stateDifferences(spec: TableSpec, room: StateRoom, hasAllFirst: boolean): string {
  const [key, type] = [keyOf(spec), typeOf(spec) ?? 'NULL'];
  const first = hasAllFirst ? `${FIRST.offset}, ${FIRST.time},` : '';
  const select = (isNewest: string, relation: string, name: string) =>
    `SELECT kafka_partition, kafka_offset, hash(${key}, ${type}, kafka_timestamp, ${first}
      ${isNewest}) AS ${name} FROM ${relation}`;
  return `WITH "the wanted" AS (${lastOf(spec, room.merged(spec), ITSELF, '0')}),
    ${newestOf(spec, '"the wanted"', FIRST)}
    SELECT format('partition {}, offset {}: {}', kafka_partition, kafka_offset, CASE WHEN found IS NULL
      THEN 'missing in the state' WHEN wanted IS NULL THEN 'in the state, and not a last change'
      ELSE 'other values' END)
    FROM (${select(IS_NEWEST, `${room.state} WHERE EXISTS (FROM ${room.merged(spec)})`, 'found')})
    FULL JOIN (${select(
      '"is the newest" IS NOT NULL',
      `"the wanted" LEFT JOIN
      (SELECT kafka_partition, kafka_offset, true AS "is the newest" FROM "the newest")
      USING (kafka_partition, kafka_offset)`,
      'wanted',
    )})
    USING (kafka_partition, kafka_offset) WHERE found IS DISTINCT FROM wanted ORDER BY ALL`;
}

/** Below, it is not worth the while. */
const MIN_HOLES = 100_000;
/** Of the rows. */
const MOST_HOLES = 0.25;

/**
 * Writes the state anew if it has many deleted rows, which DuckDB keeps: the rows that replaced them are not sorted.
 * @returns whether it did
 */
export async function rewriteIfSparse(connection: DuckDBConnection, spec: TableSpec): Promise<boolean> {
  const [{ holes, rows }] = await rowsOf(
    connection,
    'SELECT coalesce(max(rowid) + 1, 0) - count(*) AS holes, count(*) AS rows FROM sluice.state',
  );
  if (Number(holes) < Math.max(Number(rows) * MOST_HOLES, MIN_HOLES)) return false;
  await replaceState(connection, spec, 'FROM sluice.state', Number(rows));
  return true;
}
