/**
 * Which change of a key is its newest, as SQL. Newest is Kafka's order: within a partition the highest offset; across
 * partitions, to which a key can only have moved when partitions were added, the later timestamp. Keys of one text and
 * several types are several keys. Names of its own have a space in them, which no name of a spec has.
 */
import { OPERATION } from '../../core/operations.js';
import { identifier, literal } from '../../core/sql.js';
import { DEFAULT_DELETES, roleColumn, type TableSpec } from '../../schema/spec.js';

/** SQL identifier of the key. */
export function keyOf(spec: TableSpec): string {
  return identifier(roleColumn(spec, 'key')!.name);
}

/** SQL identifier of the key's type; undefined if there is none. */
export function typeOf(spec: TableSpec): string | undefined {
  const column = roleColumn(spec, 'key_type');
  return column && identifier(column.name);
}

/**
 * Columns of a relation that say of each row where the first row was that it stands for: a row of the change log stands
 * for itself, a row of the state for all of its key, type and partition that were merged into it.
 */
export interface FirstColumns {
  readonly offset: string;
  readonly time: string;
}

/** Of the change log. */
export const ITSELF: FirstColumns = { offset: 'kafka_offset', time: 'kafka_timestamp' };

/** Of a row without a timestamp: before all times. */
const NO_TIME = -(2n ** 63n) + 1n;

/**
 * SQL of common table expressions; the last one, `"the newest"`, has the partition and offset of the newest row of each
 * key in a relation, and the key. All but the last row of each key, type and partition can be missing in the relation,
 * if its first columns say what was there.
 */
export function newestOf(spec: TableSpec, relation: string, first = ITSELF): string {
  return `${lastOfPartition(spec, relation, first)},
${NEWEST_OF_LAST}`;
}

/** One number, of time and partition: it takes less than half the time of a window that orders by both. */
const rank = (time: string) => `coalesce(epoch_us(${time}), ${NO_TIME})::HUGEINT * ${2 ** 32} + kafka_partition`;

// That some are there is always so. DuckDB expects fewer of them for it, and makes its hash table of these.
const NEWEST_OF_LAST = `"the newest" AS (
  SELECT "the key", arg_max(kafka_partition, "the rank") AS kafka_partition,
    arg_max(kafka_offset, "the rank") AS kafka_offset
  FROM (SELECT *, ${rank('"the time"')} AS "the rank" FROM "last of partition")
  GROUP BY "the key", "the type" HAVING count(*) > 0)`;

/**
 * As `newestOf`. It reads the relation once, so that a query for one key plans and scans least; all keys of a long
 * relation take longer.
 */
export function newestOfFew(spec: TableSpec, relation: string, first: FirstColumns): string {
  const type = typeOf(spec);
  if (type === undefined) return newestOf(spec, relation, first);
  return `"the parts" AS (
  SELECT ${keyOf(spec)} AS "the key", ${type} AS "the type", kafka_partition, max(kafka_offset) AS kafka_offset,
    arg_max_null(kafka_timestamp, kafka_offset) AS "the time", min(${first.offset}) AS "the first",
    arg_min_null(${first.time}, ${first.offset}) AS "first time"
  FROM ${relation} GROUP BY ALL),
"the beginnings" AS (
  SELECT *, "the first" = min("the first") FILTER ("the type" IS NOT NULL) OVER "of partition" AS "is first"
  FROM "the parts" WINDOW "of partition" AS (PARTITION BY "the key", kafka_partition)),
"the typed" AS (
  SELECT * REPLACE (coalesce("the type", arg_min("the type", ${rank('"first time"')})
    FILTER ("is first" AND "the type" IS NOT NULL) OVER (PARTITION BY "the key")) AS "the type")
  FROM "the beginnings"),
"last of partition" AS (
  SELECT "the key", "the type", kafka_partition, max(kafka_offset) AS kafka_offset,
    arg_max_null("the time", kafka_offset) AS "the time"
  FROM "the typed" GROUP BY ALL),
${NEWEST_OF_LAST}`;
}

/**
 * The common table expression of each key's last change in each partition. Rows without a type, as producers wrote
 * them before there was one, are those of the document whose change was the first with a type, as far as anything
 * tells. Only keys that have such rows are examined: DuckDB's statistics tell which blocks have any. Names are quoted.
 */
function lastOfPartition(spec: TableSpec, relation: string, first: FirstColumns): string {
  const [key, type] = [keyOf(spec), typeOf(spec)];
  // The plain max_by skips rows without a timestamp; then what it says could not be told from two parts of the rows.
  const last = (of: string, keyType: string) => `"last of partition" AS (
  SELECT ${key} AS "the key", ${keyType} AS "the type", kafka_partition, max(kafka_offset) AS kafka_offset,
    arg_max_null(kafka_timestamp, kafka_offset) AS "the time"
  FROM ${of} GROUP BY ALL)`;
  if (type === undefined) return last(relation, 'NULL');
  return `"the untyped" AS (
  SELECT DISTINCT ${key} AS "untyped key" FROM ${relation} WHERE ${type} IS NULL),
"first of partition" AS (
  SELECT ${key} AS "typed key", kafka_partition, arg_min(${type}, ${first.offset}) AS "first type",
    arg_min_null(${first.time}, ${first.offset}) AS "the time"
  FROM ${relation} SEMI JOIN "the untyped" ON "untyped key" = ${key} WHERE ${type} IS NOT NULL GROUP BY ALL),
"first types" AS (
  SELECT "typed key", "first type" FROM "first of partition"
  QUALIFY row_number() OVER (PARTITION BY "typed key" ORDER BY "the time" NULLS FIRST, kafka_partition) = 1),
${last(`${relation} LEFT JOIN "first types" ON "typed key" = ${key}`, `coalesce(${type}, "first type")`)}`;
}

/**
 * SQL: the newest change of each key of the change log, deleted ones left out.
 *
 * A snapshot that is complete has every key that was there: what is older than its beginning and did not come again is
 * gone, though no delete was seen.
 */
export function newestOfLog(spec: TableSpec): string {
  const table = identifier(spec.table);
  return `WITH ${newestOf(spec, table)}${snapshots(spec)}
SELECT ${table}.* FROM ${table} SEMI JOIN "the newest" USING (kafka_partition, kafka_offset)
${presentOnes(spec, table)}`;
}

/**
 * SQL of more common table expressions, which `presentOnes` needs: where the newest complete snapshots begin.
 * @param markers SQL of the relation
 */
export function snapshots(spec: TableSpec, markers = 'sluice.markers'): string {
  if (roleColumn(spec, 'operation') === undefined) return '';
  const [begin, end] = [OPERATION.snapshotBegin, OPERATION.snapshotEnd].map(literal);
  return `,
"the markers" AS (
  SELECT partition_id, operation AS "the end", lag(operation) OVER "of snapshot" AS "the marker before",
    lag(message_offset) OVER "of snapshot" AS "the beginning"
  FROM ${markers} WINDOW "of snapshot" AS (PARTITION BY partition_id, snapshot ORDER BY message_offset)),
"the snapshots" AS (
  SELECT partition_id AS kafka_partition, max("the beginning") AS "the beginning" FROM "the markers"
  WHERE "the end" = ${end} AND "the marker before" = ${begin} GROUP BY partition_id)`;
}

/** SQL after a FROM of the newest rows: leaves out those whose key is deleted. */
export function presentOnes(spec: TableSpec, relation: string): string {
  const deletes = deleteTests(spec).map((test) => `AND NOT coalesce(${test}, false)`);
  if (roleColumn(spec, 'operation') === undefined) return `WHERE true ${deletes.join(' ')}`;
  return `LEFT JOIN "the snapshots" ON "the snapshots".kafka_partition = ${relation}.kafka_partition
WHERE ${relation}.kafka_offset >= coalesce("the beginning", 0) ${deletes.join(' ')}`;
}

/** SQL: what is true of a row whose key is deleted. */
function deleteTests(spec: TableSpec): string[] {
  const { operations, flag, tombstone } = spec.deletes ?? DEFAULT_DELETES;
  const column = roleColumn(spec, 'operation');
  // The kernel says of a tombstone what it is.
  const words = new Set([...operations, ...(tombstone ? [OPERATION.delete] : [])]);
  const tests = flag === undefined ? [] : [identifier(flag)];
  if (column === undefined || words.size === 0) return tests;
  return [...tests, `${identifier(column.name)} IN (${[...words].map(literal).join(', ')})`];
}
