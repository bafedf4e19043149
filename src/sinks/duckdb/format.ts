/** Sluice's own tables in a data directory's database, their format version, and how an older directory gets it. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { BATCH_STAT_LIST } from '../../core/batch-stats.js';
import { SluiceError } from '../../core/errors.js';
import { literal, rowsOf } from '../../core/sql.js';
import type { StoredSpec, TableSpec } from '../../schema/spec.js';
import { FORMAT_VERSION, RETENTION_FORMAT } from '../../storage/data-dir.js';
import { moveMarkers } from './markers.js';
import { checkMaskKey } from './mask-key.js';
import { DUCKDB_STATE } from './merged-row.js';
import type { StateRoom } from './state.js';

/** The ledger's columns for what is counted of a batch. */
const COUNTERS = BATCH_STAT_LIST.flatMap(([, { ledger }]) =>
  ledger === undefined ? [] : [`${ledger.column} ${ledger.type}`],
);

/** The schema ids of a batch's messages: added to all formats, as an older Sluice does without. */
const SCHEMA_IDS = 'schema_ids INTEGER[]';
/** The expectations that a batch fails: rows of each, or quarantined messages; 1 of what rows fail together. */
const FAILED = 'failed_expectations MAP(VARCHAR, BIGINT)';

/** How the two kinds of databases differ in their tables. */
export interface Layout {
  /** The columns of the change log have a compression. */
  readonly hasCompression: boolean;
  /** How the newest state is a table. */
  readonly state: StateRoom;
  /** SQL that makes what positions are, unless it is there. */
  readonly positions: string;
  /** What format 2 adds to them: `table ADD COLUMN …`. */
  readonly addedToPositions: readonly string[];
}

/** `file` is relative to the data directory, which can be moved. */
const TABLES = `
CREATE SCHEMA IF NOT EXISTS sluice;
CREATE TABLE IF NOT EXISTS sluice.meta (
  format_version INTEGER NOT NULL, topic VARCHAR NOT NULL, spec JSON NOT NULL, spec_hash VARCHAR NOT NULL,
  changed_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS sluice.batches (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, start_offset BIGINT NOT NULL, next_offset BIGINT NOT NULL,
  file VARCHAR, file_bytes BIGINT, ${COUNTERS.map((counter) => `${counter} NOT NULL DEFAULT 0`).join(', ')},
  committed_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS sluice.quarantine (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, message_offset BIGINT NOT NULL, key BLOB, value BLOB,
  reason VARCHAR NOT NULL, byte_position BIGINT, kafka_timestamp TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS sluice.markers (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, message_offset BIGINT NOT NULL, change_id VARCHAR NOT NULL,
  snapshot VARCHAR NOT NULL, operation VARCHAR NOT NULL, kafka_timestamp TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS sluice.columns (name VARCHAR NOT NULL, issue_bit INTEGER NOT NULL);`;

/**
 * What format 2 adds, to new and old directories alike, so that both have their columns in the same order.
 *
 * - meta: what the brokers call cluster and topic; the format that the directory was created with
 * - positions: the leader epoch of the last message; where the partition began, and why
 * - batches: `consume`, `gap` (offsets that Kafka had lost) or `recovered`; batches of a transaction share a commit_id
 * - quarantine: the column that a message with reason missing_required lacks
 */
const ADDED_COLUMNS = [
  'meta ADD COLUMN IF NOT EXISTS cluster_id VARCHAR',
  'meta ADD COLUMN IF NOT EXISTS topic_id VARCHAR',
  'meta ADD COLUMN IF NOT EXISTS created_format INTEGER',
  `batches ADD COLUMN IF NOT EXISTS kind VARCHAR DEFAULT 'consume'`,
  'batches ADD COLUMN IF NOT EXISTS commit_id BIGINT DEFAULT 0',
  'quarantine ADD COLUMN IF NOT EXISTS column_name VARCHAR',
];

/** That of `analytics.db`: a table of positions. */
export const DUCKDB_LAYOUT: Layout = {
  hasCompression: true,
  state: DUCKDB_STATE,
  positions: `CREATE TABLE IF NOT EXISTS sluice.positions (
    topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, next_offset BIGINT NOT NULL, watermark TIMESTAMPTZ)`,
  addedToPositions: [
    'positions ADD COLUMN IF NOT EXISTS leader_epoch INTEGER',
    'positions ADD COLUMN IF NOT EXISTS first_offset BIGINT',
    'positions ADD COLUMN IF NOT EXISTS start_reason VARCHAR',
    'positions ADD COLUMN IF NOT EXISTS started_at TIMESTAMPTZ',
  ],
};

/** Names of the columns whose bits are set in `issues`. */
const ISSUE_NAMES = `CREATE OR REPLACE MACRO sluice.issue_names(bits) AS coalesce((
  SELECT list(name ORDER BY issue_bit) FROM sluice.columns WHERE get_bit(bits::BIGINT::BIT, 63 - issue_bit) = 1), [])`;

/** Bits of `issues`, and columns that a spec has at most. */
const MAX_COLUMNS = 64;

/**
 * Makes what is missing, and brings a directory of an older format up to date, in one transaction.
 * @throws SluiceError SLUICE_CONFIG when the directory belongs to another topic or to a newer Sluice
 */
export async function openFormat(connection: DuckDBConnection, topic: string, layout = DUCKDB_LAYOUT): Promise<void> {
  await connection.run('BEGIN');
  try {
    await connection.run(TABLES);
    await connection.run(layout.positions);
    const [meta] = await rowsOf(connection, 'SELECT format_version, topic, spec FROM sluice.meta');
    if (meta !== undefined) checkMeta(Number(meta.format_version), String(meta.topic), topic);
    if (meta === undefined || Number(meta.format_version) < FORMAT_VERSION) {
      const added = [...ADDED_COLUMNS, ...layout.addedToPositions];
      for (const column of added) await connection.run(`ALTER TABLE sluice.${column}`);
    }
    await allowTombstones(connection);
    for (const column of [SCHEMA_IDS, FAILED]) {
      await connection.run(`ALTER TABLE sluice.batches ADD COLUMN IF NOT EXISTS ${column}`);
    }
    // Batches before a counter was added have 0 of it.
    for (const counter of COUNTERS) {
      await connection.run(`ALTER TABLE sluice.batches ADD COLUMN IF NOT EXISTS ${counter} DEFAULT 0`);
    }
    if (meta !== undefined && Number(meta.format_version) < FORMAT_VERSION) await upgrade(connection, meta);
    await connection.run(ISSUE_NAMES);
    await connection.run('COMMIT');
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => {});
    throw thrown;
  }
}

/** Tombstones can be quarantined, which have no value: directories of all formats once refused them. */
async function allowTombstones(connection: DuckDBConnection): Promise<void> {
  const refusing = await rowsOf(
    connection,
    `SELECT 1 FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'sluice'
     AND table_name = 'quarantine' AND column_name = 'value' AND NOT is_nullable`,
  );
  if (refusing.length > 0) await connection.run('ALTER TABLE sluice.quarantine ALTER COLUMN value DROP NOT NULL');
}

/**
 * Checks that this Sluice can write to the data directory, and writes nothing.
 * @param maskKeyId of the key that this process has
 * @throws SluiceError SLUICE_CONFIG when the directory belongs to another topic, another key or a newer Sluice
 */
export async function checkFormat(connection: DuckDBConnection, topic: string, maskKeyId?: string): Promise<void> {
  const tables = await rowsOf(
    connection,
    `SELECT 1 FROM duckdb_tables()
     WHERE database_name = current_database() AND schema_name = 'sluice' AND table_name = 'meta'`,
  );
  if (tables.length === 0) return;
  const [meta] = await rowsOf(connection, 'FROM sluice.meta');
  if (meta !== undefined) checkMeta(Number(meta.format_version), String(meta.topic), topic);
  checkMaskKey(meta, maskKeyId);
}

function checkMeta(version: number, found: string, topic: string): void {
  if (version > RETENTION_FORMAT) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `the data directory has format ${version}, this Sluice writes ${RETENTION_FORMAT}: use a newer one`,
    );
  }
  checkTopic(found, topic);
}

/** @param found the topic of the directory @throws SluiceError SLUICE_CONFIG when it is another one */
export function checkTopic(found: string, topic: string): void {
  if (found !== topic) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `DATA_DIR holds the topic ${found}, KAFKA_TOPIC is ${topic}: one data directory has one topic`,
    );
  }
}

/** @param meta the row of an older directory */
async function upgrade(connection: DuckDBConnection, meta: Readonly<Record<string, unknown>>): Promise<void> {
  const spec = JSON.parse(String(meta.spec)) as StoredSpec;
  if (Number(meta.format_version) < 2) await upgradeFormat1(connection, spec);
  await moveMarkers(connection, spec, String(meta.topic));
  await connection.run(`UPDATE sluice.meta SET format_version = ${FORMAT_VERSION}`);
}

/** In format 1 a column's bit was its place in the spec, and nothing said where a partition began. */
async function upgradeFormat1(connection: DuckDBConnection, spec: StoredSpec): Promise<void> {
  await insertBits(
    connection,
    spec.columns.map(({ name }, bit) => [name, bit]),
  );
  await connection.run(
    `UPDATE sluice.positions SET start_reason = 'unknown', first_offset = coalesce(
       (SELECT min(start_offset) FROM sluice.batches b WHERE b.partition_id = positions.partition_id), next_offset);
     UPDATE sluice.meta SET created_format = 1`,
  );
}

/**
 * The bit of `issues` that each column of the spec has: a column keeps its bit for the life of the directory.
 * @returns in the order of the spec's columns
 * @throws SluiceError SLUICE_SPEC_CHANGED when no bit is left
 */
export async function issueBits(connection: DuckDBConnection, spec: TableSpec): Promise<number[]> {
  const rows = await rowsOf(connection, 'SELECT name, issue_bit FROM sluice.columns');
  const bits = new Map(rows.map(({ name, issue_bit }) => [String(name), Number(issue_bit)]));
  const added = spec.columns.filter(({ name }) => !bits.has(name));
  if (bits.size + added.length > MAX_COLUMNS) {
    throw new SluiceError(
      'SLUICE_SPEC_CHANGED',
      `${spec.table} has had ${bits.size} columns in this data directory, the table spec adds ${added.length}: a ` +
        `directory has ${MAX_COLUMNS} over its life, one for each bit of issues; move it away and read the topic again`,
    );
  }
  const next = Math.max(-1, ...bits.values()) + 1;
  const pairs = added.map(({ name }, index): [string, number] => [name, next + index]);
  await insertBits(connection, pairs);
  for (const [name, bit] of pairs) bits.set(name, bit);
  return spec.columns.map(({ name }) => bits.get(name)!);
}

async function insertBits(connection: DuckDBConnection, pairs: readonly (readonly [string, number])[]): Promise<void> {
  if (pairs.length === 0) return;
  const values = pairs.map(([name, bit]) => `(${literal(name)}, ${bit})`).join(', ');
  await connection.run(`INSERT INTO sluice.columns VALUES ${values}`);
}
