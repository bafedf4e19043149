/** Table spec → DuckDB: the tables of a data directory, and how they follow a spec that has changed. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import { OPERATION } from '../../core/operations.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import {
  type ColumnType,
  DEFAULT_DELETES,
  roleColumn,
  type StoredSpec,
  specJson,
  type TableColumn,
  type TableSpec,
  tableColumns,
} from '../../schema/spec.js';
import { specHash } from '../../schema/spec-hash.js';
import { FORMAT_VERSION } from '../../storage/data-dir.js';
import { DUCKDB_LAYOUT, issueBits, type Layout, openFormat } from './format.js';
import { moveMarkers } from './markers.js';

const DUCKDB_TYPES: Record<ColumnType, string> = {
  utf8: 'VARCHAR',
  decimal18_4: 'DECIMAL(18,4)',
  timestamp_us_utc: 'TIMESTAMP WITH TIME ZONE',
  date32: 'DATE',
  int64: 'BIGINT',
  uint64: 'UBIGINT',
  int32: 'INTEGER',
  bool: 'BOOLEAN',
};

/**
 * Text columns that are often grouped and filtered by and have few values: DuckDB finds its dictionary form for them.
 * All other text is zstd-compressed without asking: left to itself, DuckDB tries every form that it knows on each row
 * group, which costs more than the rest of the INSERT, for no smaller file worth the while.
 */
const FEW_VALUES = new Set(['operation', 'currency', 'status']);
const FEW_VALUED_ROLES = ['operation', 'key_type'] as const;

function isFewValued(spec: TableSpec, name: string): boolean {
  return FEW_VALUES.has(name) || FEW_VALUED_ROLES.some((role) => name === roleColumn(spec, role)?.name);
}

/** A column of the change log as it is stored. */
function storedColumn(spec: TableSpec, { name, type }: TableColumn, { hasCompression }: Layout): string {
  const compression = hasCompression && type === 'utf8' && !isFewValued(spec, name) ? ' USING COMPRESSION zstd' : '';
  return `${identifier(name)} ${DUCKDB_TYPES[type]}${compression}`;
}

/** `"name" TYPE, …` of the spec's table. */
export function columnDefinitions(spec: TableSpec): string {
  return tableColumns(spec)
    .map(({ name, type }) => `${identifier(name)} ${DUCKDB_TYPES[type]}`)
    .join(', ');
}

/**
 * Makes what is missing, and brings an existing table in line with the spec: new columns are added, columns that the
 * spec no longer has stay and get NULL. The change log has no index: an index costs more per row than all the rest, and
 * uniqueness comes from the sink.
 * @returns the bit of `issues` that each column of the spec has
 * @throws SluiceError SLUICE_SPEC_CHANGED when a column has another kind or rows have another identity, SLUICE_CONFIG
 * when the directory belongs to another topic or to a newer Sluice
 */
export async function migrate(
  connection: DuckDBConnection,
  spec: TableSpec,
  topic: string,
  layout = DUCKDB_LAYOUT,
): Promise<number[]> {
  await openFormat(connection, topic, layout);
  const table = identifier(spec.table);
  const missing = await missingColumns(connection, spec);
  await checkSpec(connection, spec);
  const columns = tableColumns(spec).map((column) => storedColumn(spec, column, layout));
  await connection.run(`CREATE TABLE IF NOT EXISTS ${table} (${columns.join(', ')})`);
  for (const column of missing) {
    await connection.run(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${storedColumn(spec, column, layout)}`);
  }
  await connection.run(orderView(spec));
  await connection.run('BEGIN');
  try {
    const bits = await issueBits(connection, spec);
    if (await writeSpec(connection, spec, topic)) await moveMarkers(connection, spec, topic);
    await connection.run('COMMIT');
    return bits;
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => {});
    throw thrown;
  }
}

/** @returns whether it is another spec than before: rows that are markers to it may have been changes to that one */
async function writeSpec(connection: DuckDBConnection, spec: TableSpec, topic: string): Promise<boolean> {
  const hash = specHash(spec);
  const [known] = await rowsOf(connection, 'SELECT spec_hash FROM sluice.meta');
  if (known?.spec_hash === hash) return false;
  const [json, format] = [literal(specJson(spec)), FORMAT_VERSION];
  await connection.run(
    known === undefined
      ? `INSERT INTO sluice.meta (format_version, created_format, topic, spec, spec_hash, changed_at)
         VALUES (${format}, ${format}, ${literal(topic)}, ${json}, '${hash}', now())`
      : `UPDATE sluice.meta SET spec = ${json}, spec_hash = '${hash}', changed_at = now()`,
  );
  return known !== undefined;
}

/** The spec's columns that the table does not have yet; all of them if there is no table. */
async function missingColumns(connection: DuckDBConnection, spec: TableSpec): Promise<TableColumn[]> {
  const existing = await rowsOf(
    connection,
    `SELECT column_name, data_type FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ${literal(spec.table)}`,
  );
  const types = new Map(existing.map(({ column_name, data_type }) => [column_name, data_type]));
  for (const { name, type } of tableColumns(spec)) {
    const known = types.get(name);
    const wanted = DUCKDB_TYPES[type];
    if (known !== undefined && known !== wanted) throw kindChanged(spec, name, String(known), wanted);
  }
  return tableColumns(spec).filter(({ name }) => !types.has(name));
}

/** What the types of the table's columns do not tell: text and json are both VARCHAR, and a role leaves no trace. */
async function checkSpec(connection: DuckDBConnection, spec: TableSpec): Promise<void> {
  const [meta] = await rowsOf(connection, 'SELECT spec FROM sluice.meta');
  if (meta === undefined) return;
  const known = JSON.parse(String(meta.spec)) as StoredSpec;
  const kinds = new Map(known.columns.map(({ name, kind }) => [name, kind]));
  for (const { name, kind } of spec.columns) {
    const before = kinds.get(name);
    if (before !== undefined && before !== kind) throw kindChanged(spec, name, before, kind);
  }
  const identity = (of: StoredSpec) => {
    const changeId = roleColumn(of, 'change_id');
    return `table ${of.table} ${changeId ? `with the change id ${changeId.name}` : 'without a change id'}`;
  };
  if (identity(known) === identity(spec)) return;
  throw new SluiceError(
    'SLUICE_SPEC_CHANGED',
    `the data directory has the ${identity(known)}, the table spec has the ${identity(spec)}: change the spec back, ` +
      'or move the data directory away and read the topic again',
  );
}

function kindChanged(spec: TableSpec, name: string, before: string, after: string): SluiceError {
  return new SluiceError(
    'SLUICE_SPEC_CHANGED',
    `column ${name} of ${spec.table} is ${before}, the table spec makes it ${after}: give the new kind a new name in ` +
      'the spec, or move the data directory away and read the topic again',
  );
}

/**
 * SQL of the view: the newest change of each key, deleted ones left out. Newest is Kafka's order: within a partition
 * the highest offset; across partitions, to which a key can only have moved when partitions were added, the later
 * timestamp. Keys of one text and several types are several keys.
 *
 * A snapshot that is complete has every key that was there: what is older than its beginning and did not come again is
 * gone, though no delete was seen. Names of its own have a space in them, which no name of a spec has.
 */
function orderView(spec: TableSpec): string {
  const table = identifier(spec.table);
  const key = identifier(roleColumn(spec, 'key')!.name);
  const typeRole = roleColumn(spec, 'key_type')?.name;
  const role = roleColumn(spec, 'operation')?.name;
  const view = `CREATE OR REPLACE VIEW ${identifier(spec.view)} AS
WITH ${lastOfPartition(table, key, typeRole && identifier(typeRole))},
"the newest" AS (
  SELECT kafka_partition, kafka_offset FROM "last of partition"
  QUALIFY row_number() OVER (
    PARTITION BY "the key", "the type" ORDER BY "the time" DESC NULLS LAST, kafka_partition DESC) = 1)`;
  const deletes = deleteTests(spec).map((test) => `AND NOT coalesce(${test}, false)`);
  if (role === undefined) {
    return `${view}\nSELECT * FROM ${table} SEMI JOIN "the newest" USING (kafka_partition, kafka_offset)
WHERE true ${deletes.join(' ')}`;
  }
  const [begin, end] = [OPERATION.snapshotBegin, OPERATION.snapshotEnd].map(literal);
  return `${view},
"the markers" AS (
  SELECT partition_id, operation AS "the end", lag(operation) OVER "of snapshot" AS "the marker before",
    lag(message_offset) OVER "of snapshot" AS "the beginning"
  FROM sluice.markers WINDOW "of snapshot" AS (PARTITION BY partition_id, snapshot ORDER BY message_offset)),
"the snapshots" AS (
  SELECT partition_id AS kafka_partition, max("the beginning") AS "the beginning" FROM "the markers"
  WHERE "the end" = ${end} AND "the marker before" = ${begin} GROUP BY partition_id)
SELECT ${table}.* FROM ${table} SEMI JOIN "the newest" USING (kafka_partition, kafka_offset)
LEFT JOIN "the snapshots" ON "the snapshots".kafka_partition = ${table}.kafka_partition
WHERE ${table}.kafka_offset >= coalesce("the beginning", 0) ${deletes.join(' ')}`;
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

/**
 * The common table expression of each key's last change in each partition. Rows without a type, as producers wrote
 * them before there was one, are those of the document whose change was the first with a type, as far as anything
 * tells. Only keys that have such rows are examined: DuckDB's statistics tell which blocks have any. Names are quoted.
 */
function lastOfPartition(table: string, key: string, type: string | undefined): string {
  const last = (of: string, keyType: string) => `"last of partition" AS (
  SELECT ${key} AS "the key", ${keyType} AS "the type", kafka_partition, max(kafka_offset) AS kafka_offset,
    max_by(kafka_timestamp, kafka_offset) AS "the time"
  FROM ${of} GROUP BY ALL)`;
  if (type === undefined) return last(table, 'NULL');
  return `"the untyped" AS (
  SELECT DISTINCT ${key} AS "untyped key" FROM ${table} WHERE ${type} IS NULL),
"first of partition" AS (
  SELECT ${key} AS "typed key", kafka_partition, min_by(${type}, kafka_offset) AS "first type",
    min_by(kafka_timestamp, kafka_offset) AS "the time"
  FROM ${table} SEMI JOIN "the untyped" ON "untyped key" = ${key} WHERE ${type} IS NOT NULL GROUP BY ALL),
"first types" AS (
  SELECT "typed key", "first type" FROM "first of partition"
  QUALIFY row_number() OVER (PARTITION BY "typed key" ORDER BY "the time" NULLS FIRST, kafka_partition) = 1),
${last(`${table} LEFT JOIN "first types" ON "typed key" = ${key}`, `coalesce(${type}, "first type")`)}`;
}
