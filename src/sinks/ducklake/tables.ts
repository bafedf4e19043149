/** Sluice's tables in a lake: those of `analytics.db`, but for where positions come from. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { specHash } from '../../schema/spec-hash.js';
import { FORMAT_VERSION } from '../../storage/data-dir.js';
import { migrate } from '../duckdb/ddl.js';
import { checkFormat, issueBits, type Layout } from '../duckdb/format.js';
import { storeMaskKey } from '../duckdb/mask-key.js';
import { isRetaining } from '../duckdb/retention.js';
import { hasRetention, openRetention } from '../duckdb/retention-tables.js';
import type { RetentionSettings, StateKind } from '../duckdb/settings.js';
import { HAS_STATE } from '../duckdb/state.js';
import { LAKE } from './lake.js';
import { whileConflicting } from './lake-errors.js';
import type { LastCommit } from './ownership.js';
import { LAKE_STATE } from './state.js';

/**
 * Positions are a view of the ledger and of where partitions began: rows that are only added do not conflict with those
 * of other processes, and to change a row of a lake takes as long as a commit.
 */
export const LAKE_LAYOUT: Layout = {
  hasCompression: false,
  state: LAKE_STATE,
  positions: `
CREATE TABLE IF NOT EXISTS sluice.starts (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, first_offset BIGINT NOT NULL, start_reason VARCHAR NOT NULL,
  started_at TIMESTAMPTZ NOT NULL);
ALTER TABLE sluice.meta ADD COLUMN IF NOT EXISTS first_partitions INTEGER;
ALTER TABLE sluice.batches ADD COLUMN IF NOT EXISTS leader_epoch INTEGER;
ALTER TABLE sluice.batches ADD COLUMN IF NOT EXISTS watermark TIMESTAMPTZ;
ALTER TABLE sluice.batches ADD COLUMN IF NOT EXISTS max_change_seq UBIGINT;
CREATE OR REPLACE VIEW sluice.positions AS
SELECT topic, partition_id, coalesce(next_offset, first_offset) AS next_offset, watermark, leader_epoch, first_offset,
  start_reason, started_at
FROM sluice.starts LEFT JOIN (
  SELECT topic, partition_id, max(next_offset) AS next_offset, max(watermark) AS watermark,
    max_by(leader_epoch, next_offset) FILTER (leader_epoch IS NOT NULL) AS leader_epoch
  FROM sluice.batches GROUP BY ALL) USING (topic, partition_id)`,
  addedToPositions: [],
};

export interface TableOptions {
  readonly topic: string;
  readonly spec: TableSpec;
  /** Where the view of the newest state reads; undefined: as it is. */
  readonly state?: StateKind | undefined;
  /** What leaves by its age; undefined: as it is. */
  readonly retention?: RetentionSettings | undefined;
  /** Of the key of masks (`maskKeyId`); undefined: there is none. */
  readonly maskKeyId?: string | undefined;
}

/**
 * Makes what is missing. A lake that is as it should be is left alone: files are only joined with those that were
 * written under the same schema.
 * @returns the bit of `issues` that each column of the spec has
 * @throws SluiceError as `migrate`; SLUICE_CONFIG for another key
 */
export async function openTables(
  connection: DuckDBConnection,
  { spec, topic, state, retention, maskKeyId }: TableOptions,
): Promise<number[]> {
  await checkFormat(connection, topic, maskKeyId);
  const isAsItShouldBe = await isCurrent(connection, spec, state);
  const bits = isAsItShouldBe
    ? await issueBits(connection, spec)
    : await migrate(connection, spec, topic, LAKE_LAYOUT, state);
  await storeMaskKey(connection, spec, maskKeyId);
  if (retention !== undefined && isRetaining(retention) && !(await hasRetention(connection))) {
    await whileConflicting(() => openRetention(connection));
  }
  return bits;
}

/** What the ledger says of the last commit. */
export async function readLastCommit(connection: DuckDBConnection): Promise<LastCommit> {
  const [last] = await rowsOf(
    connection,
    'SELECT max(commit_id) AS commit, max(max_change_seq) AS highest FROM sluice.batches',
  );
  return { commit: Number(last.commit ?? 0), maxChangeSeq: (last.highest as bigint | null) ?? undefined };
}

async function isCurrent(
  connection: DuckDBConnection,
  spec: TableSpec,
  state: StateKind | undefined,
): Promise<boolean> {
  // The column that was added last, and the one that takes tombstones.
  const columns = await rowsOf(
    connection,
    `SELECT 1 FROM duckdb_columns() WHERE database_name = ${literal(LAKE)} AND schema_name = 'sluice'
       AND (table_name = 'batches' AND column_name = 'failed_expectations'
         OR table_name = 'quarantine' AND column_name = 'value' AND is_nullable)`,
  );
  if (columns.length < 2) return false;
  const [{ has_state }] = await rowsOf(connection, HAS_STATE);
  if (state !== undefined && has_state !== (state === 'table')) return false;
  const [meta] = await rowsOf(connection, 'SELECT format_version, spec_hash FROM sluice.meta');
  return Number(meta?.format_version) >= FORMAT_VERSION && meta.spec_hash === specHash(spec);
}
