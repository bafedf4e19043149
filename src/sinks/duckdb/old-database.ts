/** What a database that is to be replaced still knows: it may be older than the files, or of format 1. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { isLocked, SluiceError } from '../../core/errors.js';
import { literal, rowsOf } from '../../core/sql.js';
import type { StoredSpec } from '../../schema/spec.js';
import { type FileRange, RETENTION_FORMAT } from '../../storage/data-dir.js';

/** The name that it is attached under. */
export const OLD = 'old_database';

/** A range of offsets that it has in its ledger. */
export interface OldBatch extends FileRange {
  readonly file: string | undefined;
  /** Its file has left because of its age. */
  readonly hasLeft: boolean;
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
  /** Where partitions began, and why. */
  readonly starts: ReadonlyMap<number, { readonly first: number; readonly reason: string }>;
  readonly batches: readonly OldBatch[];
}

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
  const starts = await rowsOf(
    connection,
    format < 2
      ? `SELECT partition_id, min(start_offset) AS first_offset, 'unknown' AS start_reason
         FROM ${OLD}.sluice.batches GROUP BY ALL`
      : `SELECT partition_id, first_offset, start_reason FROM ${OLD}.sluice.positions`,
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
    starts: new Map(
      starts.map(({ partition_id, first_offset, start_reason }) => [
        Number(partition_id),
        { first: Number(first_offset), reason: String(start_reason) },
      ]),
    ),
    batches: batches.map(({ partition_id, start_offset, next_offset, file, has_left }) => ({
      partition: Number(partition_id),
      start: Number(start_offset),
      next: Number(next_offset),
      file: (file as string | null) ?? undefined,
      hasLeft: has_left === true,
    })),
  };
}
