/** What a database that is to be replaced still knows: it may be older than the files, or of format 1. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { isLocked, SluiceError } from '../../core/errors.js';
import { literal, rowsOf } from '../../core/sql.js';
import type { StoredSpec } from '../../schema/spec.js';
import { type FileRange, FORMAT_VERSION, RETENTION_FORMAT } from '../../storage/data-dir.js';
import { LEFT_COLUMNS } from './ddl.js';
import { FORGOTTEN } from './forget-tables.js';
import { writeMaskKey } from './mask-key.js';
import { REPLAYS } from './replay-tables.js';
import { RESETS } from './reset.js';

/** The name that it is attached under. */
export const OLD = 'old_database';

/** A range of offsets that it has in its ledger. */
export interface OldBatch extends FileRange {
  readonly file: string | undefined;
  /** Its file has left because of its age. */
  readonly hasLeft: boolean;
}

/** Where a partition began, and why; and where it was. */
export interface OldPosition {
  readonly first: number;
  readonly reason: string;
  readonly next: number;
  readonly leaderEpoch: number | undefined;
}

export interface OldDatabase {
  readonly topic: string;
  /** As JSON, in the form of the version that wrote it. */
  readonly spec: string;
  readonly format: number;
  readonly createdFormat: number;
  readonly clusterId: string | undefined;
  readonly topicId: string | undefined;
  /** Of the key of masks. */
  readonly maskKeyId: string | undefined;
  /** The bit of `issues` of each column. */
  readonly bits: readonly (readonly [name: string, bit: number])[];
  /** By partition. */
  readonly positions: ReadonlyMap<number, OldPosition>;
  /** By partition and start. */
  readonly batches: readonly OldBatch[];
  /** Names of its tables of Sluice. */
  readonly tables: ReadonlySet<string>;
}

/** Tables that only some databases have, and that a new one gets whole. */
const KEPT = { left_columns: LEFT_COLUMNS, resets: RESETS, forgotten: FORGOTTEN };

/**
 * Attaches it under the name OLD, which keeps other processes out and brings its write-ahead log into it.
 * @returns undefined if it cannot be read, or has no table of Sluice
 * @throws SluiceError SLUICE_LOCKED if a process has it
 */
export async function attachOld(connection: DuckDBConnection, path: string): Promise<OldDatabase | undefined> {
  try {
    await connection.run(`ATTACH ${literal(path)} AS ${OLD}`);
    await connection.run(`CHECKPOINT ${OLD}`);
    return await readOld(connection);
  } catch (thrown) {
    if (isLocked(thrown)) {
      throw new SluiceError('SLUICE_LOCKED', `${path} is held by another process: stop it`, { cause: thrown });
    }
    return undefined;
  }
}

async function readOld(connection: DuckDBConnection): Promise<OldDatabase | undefined> {
  const [meta] = await rowsOf(connection, `FROM ${OLD}.sluice.meta`);
  if (meta === undefined) return undefined;
  const format = Number(meta.format_version);
  const spec = String(meta.spec);
  const hasLeft = format < RETENTION_FORMAT ? 'false' : 'file_retired IS NOT NULL';
  const batches = await rowsOf(
    connection,
    `SELECT partition_id, start_offset, next_offset, file, ${hasLeft} AS has_left
     FROM ${OLD}.sluice.batches ORDER BY ALL`,
  );
  const positions = await rowsOf(
    connection,
    format < 2
      ? `SELECT partition_id, min(start_offset) AS first_offset, 'unknown' AS start_reason,
           max(next_offset) AS next_offset, NULL AS leader_epoch FROM ${OLD}.sluice.batches GROUP BY ALL`
      : `SELECT partition_id, first_offset, start_reason, next_offset, leader_epoch FROM ${OLD}.sluice.positions`,
  );
  const tables = await rowsOf(
    connection,
    `SELECT table_name FROM duckdb_tables() WHERE database_name = '${OLD}' AND schema_name = 'sluice'`,
  );
  const bits = format < 2 ? [] : await rowsOf(connection, `SELECT name, issue_bit FROM ${OLD}.sluice.columns`);
  return {
    topic: String(meta.topic),
    spec,
    format,
    createdFormat: Number(meta.created_format ?? format),
    clusterId: (meta.cluster_id as string | null | undefined) ?? undefined,
    topicId: (meta.topic_id as string | null | undefined) ?? undefined,
    maskKeyId: (meta.mask_key_id as string | null | undefined) ?? undefined,
    // In format 1 a column's bit was its place in the spec.
    bits:
      format < 2
        ? (JSON.parse(spec) as StoredSpec).columns.map(({ name }, bit) => [name, bit] as const)
        : bits.map(({ name, issue_bit }) => [String(name), Number(issue_bit)] as const),
    positions: new Map(
      positions.map(({ partition_id, first_offset, start_reason, next_offset, leader_epoch }) => [
        Number(partition_id),
        {
          first: Number(first_offset),
          reason: String(start_reason),
          next: Number(next_offset),
          leaderEpoch: (leader_epoch as number | null) ?? undefined,
        },
      ]),
    ),
    batches: batches.map(({ partition_id, start_offset, next_offset, file, has_left }) => ({
      partition: Number(partition_id),
      start: Number(start_offset),
      next: Number(next_offset),
      file: (file as string | null) ?? undefined,
      hasLeft: has_left === true,
    })),
    tables: new Set(tables.map(({ table_name }) => String(table_name))),
  };
}

/**
 * Gives an empty database what the old one knows of its specs and of what operators did: then `migrate` refuses and
 * remembers what it would in the old one.
 */
export async function keepOld(connection: DuckDBConnection, old: OldDatabase): Promise<void> {
  for (const [name, bit] of old.bits) {
    await connection.run(`INSERT INTO sluice.columns VALUES (${literal(name)}, ${bit})`);
  }
  await connection.run(
    `INSERT INTO sluice.meta BY NAME
     SELECT format_version: ${FORMAT_VERSION}, topic, spec, spec_hash, changed_at FROM ${OLD}.sluice.meta`,
  );
  // Also without masks in the spec: messages of before are encrypted with it.
  if (old.maskKeyId !== undefined) await writeMaskKey(connection, old.maskKeyId);
  for (const [name, create] of Object.entries(KEPT)) {
    if (!old.tables.has(name)) continue;
    await connection.run(create);
    await connection.run(`INSERT INTO sluice.${name} BY NAME FROM ${OLD}.sluice.${name}`);
  }
}

/** Gives a new database the old one's batches that are within a range. */
export async function keepOldBatches(
  connection: DuckDBConnection,
  { partition, start, next }: FileRange,
): Promise<void> {
  await connection.run(
    `INSERT INTO sluice.batches BY NAME FROM ${OLD}.sluice.batches
     WHERE partition_id = ${partition} AND start_offset >= ${start} AND next_offset <= ${next}`,
  );
}

/**
 * Gives a partition of a new database, whose rows and markers are there, the old one's messages that are no rows of
 * files, and what became of those that were replayed.
 * @param rows SQL relation: the rows of the partition's files
 */
export async function keepOldMessages(
  connection: DuckDBConnection,
  { tables }: OldDatabase,
  { partition, start, next }: FileRange,
  { table, rows }: { readonly table: string; readonly rows: string },
): Promise<void> {
  const isMeant = `partition_id = ${partition} AND message_offset >= ${start} AND message_offset < ${next}`;
  const fromFiles = `SELECT kafka_offset FROM ${rows}`;
  // A database that is older than a replay has messages that are rows of files now.
  await connection.run(
    `INSERT INTO sluice.quarantine BY NAME FROM ${OLD}.sluice.quarantine
     WHERE ${isMeant} AND message_offset NOT IN (${fromFiles})`,
  );
  if (!tables.has('replays')) return;
  await connection.run(REPLAYS);
  // Which row of a change id is the duplicate is decided anew; a row that is in no file was forgotten.
  await connection.run(
    `INSERT INTO sluice.replays BY NAME FROM (
       SELECT * REPLACE (CASE WHEN outcome = 'tombstone' THEN outcome
         WHEN message_offset IN (SELECT kafka_offset FROM ${table} WHERE kafka_partition = ${partition}) THEN 'merged'
         WHEN message_offset IN (SELECT message_offset FROM sluice.markers WHERE partition_id = ${partition})
           THEN 'marker' ELSE 'duplicate' END AS outcome)
       FROM ${OLD}.sluice.replays WHERE ${isMeant} AND (outcome = 'tombstone' OR message_offset IN (${fromFiles})))`,
  );
}
