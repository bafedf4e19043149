/**
 * Which rows of a commit group are duplicates: those whose change id the change log has, of markers that of another
 * marker, and all of a change id but the one of the lowest partition and offset.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { combineStats } from '../../core/batch-stats.js';
import { assert } from '../../core/errors.js';
import type { BatchResult } from '../../core/flow.js';
import { identifier, rowsOf } from '../../core/sql.js';
import { roleColumn, type TableSpec } from '../../schema/spec.js';
import { isMarker, markersOf } from './markers.js';

/** The table that rows are merged into. */
export interface ChangeLog {
  readonly topic: string;
  readonly spec: TableSpec;
  /** SQL identifiers. */
  readonly table: string;
  /** Undefined: its rows are told apart by partition and offset, which the ledger takes once. */
  readonly changeId: string | undefined;
  /** SQL: the relation of all change ids that were merged, and their sequences. */
  known: string;
  /** Of all of them. */
  maxChangeSeq: bigint;
}

/** A list of so many sequences keeps scans to row groups and files that may have one of them; of more, a range does. */
const MAX_LISTED = 1000;

/** Resume tokens give a change_seq; any other change id has 0. */
export const NO_SEQUENCE = 0n;

/** That of a spec, before anything is read of it. */
export function changeLog(topic: string, spec: TableSpec): ChangeLog {
  const column = roleColumn(spec, 'change_id');
  const changeId = column && identifier(column.name);
  const table = identifier(spec.table);
  return { topic, spec, table, changeId, known: table, maxChangeSeq: NO_SEQUENCE };
}

/** A rollback for want of memory can leave a table that cannot be replaced anymore: each has a name of its own. */
let tables = 0;

/** Rows of a group that are not to be merged. */
export interface Duplicates {
  /** Temporary, with `kafka_partition` and `kafka_offset`; undefined if there are none. */
  readonly table: string | undefined;
  /** By the place of their batch in the group. */
  readonly counts: ReadonlyMap<number, RepeatedRows>;
}

const NO_DUPLICATES: Duplicates = { table: undefined, counts: new Map() };

/** Duplicates of a batch. */
interface RepeatedRows {
  readonly rows: number;
  /** How many of them are markers. */
  readonly markers: number;
}

/**
 * Inserts the rows of a group that are new, markers into their own table, in the connection's transaction.
 * @param relation the rows of the batches; not read if there are none
 * @returns the batches, with what became of their rows
 */
export async function insertNew(
  connection: DuckDBConnection,
  log: ChangeLog,
  relation: string,
  batches: readonly BatchResult[],
): Promise<BatchResult[]> {
  if (!haveRows(batches)) return countRepeated(batches);
  const duplicates = await findDuplicates(connection, log, relation, batches);
  const rows = withoutDuplicates(relation, duplicates);
  await connection.run(`INSERT INTO ${log.table} BY NAME FROM ${rows} WHERE NOT ${markerTest(log, batches)}`);
  await insertMarkers(connection, log, rows, batches);
  await dropDuplicates(connection, duplicates);
  return countRepeated(batches, duplicates);
}

/** SQL: those rows of a group that are no duplicates. */
export function withoutDuplicates(relation: string, { table }: Duplicates): string {
  return `(FROM ${relation} ${table === undefined ? '' : `ANTI JOIN ${table} USING (kafka_partition, kafka_offset)`})`;
}

export async function dropDuplicates(connection: DuckDBConnection, { table }: Duplicates): Promise<void> {
  if (table !== undefined) await connection.run(`DROP TABLE ${table}`);
}

/** @param rows of the batches, without duplicates; not read if there is no marker */
export async function insertMarkers(
  connection: DuckDBConnection,
  { spec, topic }: ChangeLog,
  rows: string,
  batches: readonly BatchResult[],
): Promise<void> {
  if (!hasMarkers(batches)) return;
  await connection.run(`INSERT INTO sluice.markers BY NAME ${markersOf(spec, topic, rows)}`);
}

/** The batches, with what became of their rows. */
export function countRepeated(batches: readonly BatchResult[], duplicates?: Duplicates): BatchResult[] {
  return batches.map((batch, index) => {
    const { rows: duplicate = 0, markers = 0 } = duplicates?.counts.get(index) ?? {};
    const marker = batch.stats.marker - markers;
    return { ...batch, stats: { ...batch.stats, merged: batch.stats.ok - duplicate - marker, marker, duplicate } };
  });
}

export function haveRows(batches: readonly BatchResult[]): boolean {
  return batches.some(({ stats }) => stats.ok > 0);
}

export function hasMarkers(batches: readonly BatchResult[]): boolean {
  return batches.some(({ stats }) => stats.marker > 0);
}

/** SQL: whether a row of the batches is a marker, for which nothing is read if they have none. */
function markerTest({ spec }: ChangeLog, batches: readonly BatchResult[]): string {
  return hasMarkers(batches) ? isMarker(spec) : 'false';
}

/** Makes the table of the rows that are not to be merged; the caller drops it. */
export async function findDuplicates(
  connection: DuckDBConnection,
  log: ChangeLog,
  relation: string,
  batches: readonly BatchResult[],
): Promise<Duplicates> {
  if (log.changeId === undefined) return NO_DUPLICATES;
  const name = tables++;
  const suspicious = `temp.suspicious_${name}`;
  const suspicion = await findSuspicious(connection, log, relation, suspicious, batches);
  const marker = markerTest(log, batches);
  const isSuspect = [suspicion.rows, hasMarkers(batches) ? marker : undefined].filter((test) => test !== undefined);
  const duplicates =
    isSuspect.length === 0
      ? NO_DUPLICATES
      : await searchSuspects(connection, log, `${relation} WHERE ${isSuspect.join(' OR ')}`, name, suspicion, batches);
  await connection.run(`DROP TABLE IF EXISTS ${suspicious}`);
  return duplicates;
}

/** @param rows SQL: those of the group that may share their id with another row */
async function searchSuspects(
  connection: DuckDBConnection,
  log: ChangeLog,
  rows: string,
  name: number,
  { known }: Suspicion,
  batches: readonly BatchResult[],
): Promise<Duplicates> {
  const table = `temp.duplicates_${name}`;
  const suspects = `temp.suspects_${name}`;
  await connection.run(
    `CREATE TEMP TABLE ${suspects} AS
     SELECT kafka_partition, kafka_offset, change_seq, ${log.changeId} AS "the id",
       ${markerTest(log, batches)} AS "is marker",
       row_number() OVER (PARTITION BY ${log.changeId} ORDER BY kafka_partition, kafka_offset) AS nth
     FROM ${rows}`,
  );
  // A join of its own for each: joined, DuckDB builds its table of the suspects, but of the change log for an IN.
  const found = [`SELECT * FROM ${suspects} WHERE nth > 1`];
  if (known !== undefined) {
    found.push(
      `SELECT * FROM ${suspects} new SEMI JOIN (FROM ${log.known} WHERE ${known}) known
       ON known.change_seq = new.change_seq AND known.${log.changeId} = new."the id"`,
    );
  }
  if (hasMarkers(batches)) {
    found.push(
      `SELECT * FROM ${suspects} new SEMI JOIN sluice.markers known ON known.change_id = new."the id"
       WHERE new."is marker"`,
    );
  }
  await connection.run(
    `CREATE TEMP TABLE ${table} AS SELECT kafka_partition, kafka_offset, "is marker" FROM (${found.join(' UNION ')})`,
  );
  await connection.run(`DROP TABLE ${suspects}`);
  const ranges = batches.map(
    ({ partition, startOffset, nextOffset }, batch) => `(${batch}, ${partition}, ${startOffset}, ${nextOffset})`,
  );
  const counted = await rowsOf(
    connection,
    `SELECT batch, count(*) AS rows, count(*) FILTER ("is marker") AS markers FROM ${table}
     LEFT JOIN (VALUES ${ranges.join(', ')}) ranges(batch, partition_id, start_offset, next_offset)
     ON partition_id = kafka_partition AND kafka_offset >= start_offset AND kafka_offset < next_offset
     GROUP BY batch`,
  );
  const counts = counted.map(({ batch, rows, markers }): [number, RepeatedRows] => {
    assert(batch !== null, 'a row has an offset of its batch');
    return [Number(batch), { rows: Number(rows), markers: Number(markers) }];
  });
  const duplicates = { table, counts: new Map(counts) };
  if (counts.length > 0) return duplicates;
  await dropDuplicates(connection, duplicates);
  return NO_DUPLICATES;
}

/** What tells most rows apart without their ids, which are five times as many bytes as their sequences. */
interface Suspicion {
  /** SQL: of rows of the group that may share their id with another row; undefined if there are none. */
  readonly rows: string | undefined;
  /** SQL: of the rows of the change log that a row of the group may share its id with; undefined if there are none. */
  readonly known: string | undefined;
}

/** @param suspicious the name of a table to make, of sequences that more than one row has */
async function findSuspicious(
  connection: DuckDBConnection,
  log: ChangeLog,
  relation: string,
  suspicious: string,
  batches: readonly BatchResult[],
): Promise<Suspicion> {
  const { minChangeSeq: lowest, maxChangeSeq: highest } = combineStats(batches.map(({ stats }) => stats));
  assert(lowest !== undefined && highest !== undefined, 'there are rows');
  const between = `change_seq BETWEEN ${lowest} AND ${highest}`;
  if (lowest === NO_SEQUENCE) return { rows: 'true', known: between };
  const found = ['SELECT change_seq, false AS "is known" FROM sequences WHERE "is repeated"'];
  // Ids that grow with time and are all above the highest known one cannot be in the change log.
  if (lowest <= log.maxChangeSeq) {
    found.push(
      `SELECT change_seq, true FROM sequences SEMI JOIN (FROM ${log.known} WHERE ${between}) known USING (change_seq)`,
    );
  }
  await connection.run(
    `CREATE TEMP TABLE ${suspicious} AS
     WITH sequences AS MATERIALIZED (
       SELECT change_seq, count(*) > 1 AS "is repeated" FROM ${relation} GROUP BY change_seq)
     ${found.join(' UNION ALL ')}`,
  );
  const [{ count, shared, ...of }] = await rowsOf(
    connection,
    `SELECT count(*) AS count, count(*) FILTER ("is known") AS shared, min(change_seq) FILTER ("is known") AS lowest,
       max(change_seq) FILTER ("is known") AS highest,
       CASE WHEN shared <= ${MAX_LISTED} THEN string_agg(change_seq, ', ') FILTER ("is known") END AS list
     FROM ${suspicious}`,
  );
  if (count === 0n) return { rows: undefined, known: undefined };
  // Alone, an IN keeps the scan from reading the ids of other rows; as one of several conditions it does not.
  const rows = `change_seq IN (SELECT change_seq FROM ${suspicious})`;
  if (shared === 0n) return { rows, known: undefined };
  const known = of.list === null ? `change_seq BETWEEN ${of.lowest} AND ${of.highest}` : `change_seq IN (${of.list})`;
  return { rows, known };
}
