/** Moves a position of a lake ahead. Back would need that files which old snapshots have are written again. */
import { SluiceError } from '../../core/errors.js';
import { lakeError } from '../../core/outage.js';
import { rowsOf } from '../../core/sql.js';
import { UNKNOWN_EPOCH } from '../duckdb/ledger.js';
import { type ResetPlan, type ResetRequest, recordReset, resetPlan, skip } from '../duckdb/reset.js';
import { connectLake, type LakeOptions, openLake } from './lake.js';
import { isPostgres } from './settings.js';
import { openTables, type TableOptions } from './tables.js';

const NO_MESSAGE = {
  leader_epoch: `${UNKNOWN_EPOCH}`,
  watermark: 'NULL::TIMESTAMPTZ',
  max_change_seq: 'NULL::UBIGINT',
};

/** @throws SluiceError SLUICE_CONFIG for a reset that a lake cannot have */
export function checkLakeReset({ catalog }: Pick<LakeOptions, 'catalog'>, { from, to }: ResetPlan): void {
  if (isPostgres(catalog)) {
    const why = 'the catalog is in Postgres, where processes own the partitions that they read';
    throw new SluiceError(
      'SLUICE_CONFIG',
      `reset is for SINK=duckdb and for a lake with its catalog in a file: ${why}`,
    );
  }
  if (to >= from) return;
  throw new SluiceError(
    'SLUICE_CONFIG',
    `a lake cannot go back from ${from} to ${to}: its old snapshots have the files that would be written again. Read ` +
      'the topic into another lake, with START_FROM=earliest',
  );
}

/** As `reset` of `analytics.db`. @throws SluiceError SLUICE_LOCKED if a process has the catalog; as `checkLakeReset` */
export async function resetLake(options: LakeOptions & TableOptions, request: ResetRequest): Promise<ResetPlan> {
  const { topic } = options;
  const instance = await openLake(options);
  const connection = await connectLake(instance);
  try {
    await openTables(connection, options);
    const all = (sql: string) => rowsOf(connection, sql);
    await connection.run('BEGIN');
    const plan = await resetPlan(all, request);
    checkLakeReset(options, plan);
    if (plan.to > plan.from) {
      await skip(connection, topic, plan, NO_MESSAGE);
      await recordReset(connection, topic, request, plan);
    }
    await connection.run('COMMIT');
    return plan;
  } catch (thrown) {
    throw lakeError(thrown, 'the position cannot be moved');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
