/**
 * What is older than RETAIN_CHANGES and RETAIN_QUARANTINE leaves a lake as it leaves `analytics.db`
 * (sinks/duckdb/retention.ts), beside the commits:
 *
 *   changes     1. find    of one snapshot, those that may leave
 *               2. COPY    the ids of PART_ROWS of them into a file; fsync
 *               3. commit  one transaction: the file is one of sluice.retired, the rows are deleted, the ledger counts
 *                          them in rows_retired. If one of them has gone since, nothing
 *   quarantine  one transaction: messages are deleted, the ledger counts them in quarantine_retired
 *
 * What is the last change of its key, the table spec decides: 1 and 3 do nothing once the lake has another one.
 *
 * A transaction has the number of a commit and moves no partition, as a replay's (replay.ts). DuckLake drops a file all
 * of whose rows are deleted; housekeeping, which begins all of this and holds its lock, rewrites the others. Killed
 * before a COMMIT, nothing has changed, and housekeeping removes the file.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import type { RetiredCounts } from '../../core/flow.js';
import { rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { isRetaining, pauseBetween } from '../duckdb/retention.js';
import {
  countRetired,
  deleteChanges,
  findOld,
  hasOldQuarantine,
  type MergedState,
  nextLeaving,
  PART_ROWS,
  PASS_ROWS,
  retiredRows,
  retireQuarantine,
} from '../duckdb/retired-rows.js';
import type { RetentionSettings } from '../duckdb/settings.js';
import { HAS_STATE } from '../duckdb/state.js';
import { DeleteFiles } from './delete-files.js';
import { connectLake } from './lake.js';
import type { LakeTable } from './lake-transaction.js';
import { type CommitsAside, NumberedChanges } from './numbered-changes.js';
import { isSpecOf, LAKE_STATE } from './state.js';
import { registerTableFiles, removeTableFile, writeTableFile } from './table-file.js';
import { doneAgain, isDoubtful, Transactions } from './transactions.js';

/** Of a transaction: where the messages are in files, their deletion is rows of the catalog. */
const QUARANTINE_ROWS = 10_000;
/** Few sequences are looked up in few row groups. */
const ROW_GROUP_ROWS = 20_480;
/** For each millisecond of a pass, so many without: a tenth of a thread. */
const PAUSE_FACTOR = 9;
const INTERRUPT_EVERY_MS = 100;

const RETIRED = { schema: 'sluice', table: 'retired' };

export interface LakeRetentionTarget extends LakeTable {
  readonly retention: RetentionSettings;
}

/** The retention of one open lake, on connections of its own. */
export class LakeRetention {
  readonly #target: LakeRetentionTarget;
  readonly #connection: DuckDBConnection;
  readonly #deleteFiles: DeleteFiles;
  readonly #transactions: Transactions;
  readonly #changes: NumberedChanges;
  readonly #closing = new AbortController();
  #nextMs = performance.now();
  #isCommitting = false;

  private constructor(
    target: LakeRetentionTarget,
    connection: DuckDBConnection,
    deleteFiles: DeleteFiles,
    { ownership, inTurn }: CommitsAside,
  ) {
    this.#target = target;
    this.#connection = connection;
    this.#deleteFiles = deleteFiles;
    const { signal } = this.#closing;
    this.#transactions = new Transactions(connection, doneAgain(ownership), deleteFiles, target.topic, signal, 0);
    this.#changes = new NumberedChanges(this.#transactions, inTurn, signal);
  }

  /** @param instance has the lake, with the tables of retention @returns undefined if all stays */
  static async open(
    instance: DuckDBInstance,
    target: LakeRetentionTarget,
    aside: CommitsAside,
  ): Promise<LakeRetention | undefined> {
    if (!isRetaining(target.retention)) return undefined;
    const deleteFiles = new DeleteFiles(await instance.connect(), target.dataPath, target.spec);
    return new LakeRetention(target, await connectLake(instance), deleteFiles, aside);
  }

  /** No pass is due for so long. */
  postpone(milliseconds: number): void {
    this.#nextMs = performance.now() + milliseconds;
  }

  /** Whether a pass is. */
  get isDue(): boolean {
    return performance.now() >= this.#nextMs;
  }

  /**
   * @param everything all that is old enough leaves now; else what a pass takes
   * @param left counts what left, also if the rest fails
   * @throws SluiceError SLUICE_SPEC_CHANGED if another process has given the lake another spec; DuckDB's error
   */
  async run(everything: boolean, left: RetiredCounts): Promise<void> {
    const { changesMs, quarantineMs } = this.#target.retention;
    await this.#transactions.restore();
    const startMs = performance.now();
    let isAll = true;
    try {
      // Has no use for the spec.
      if (quarantineMs !== undefined) await this.#retireQuarantine(quarantineMs, left);
      if (changesMs !== undefined) {
        do isAll = (await this.#retireChanges(changesMs, left)) < PASS_ROWS;
        while (!isAll && everything && !this.#closing.signal.aborted);
      }
    } finally {
      const endMs = performance.now();
      const pauseMs = isAll ? pauseBetween(this.#target.retention) : 0;
      this.#nextMs = endMs + Math.max(pauseMs, (endMs - startMs) * PAUSE_FACTOR);
    }
  }

  /**
   * Gives up what is under way, but for a COMMIT, which loses nothing.
   * @param running settles when `run` has ended
   */
  async close(running: Promise<unknown>): Promise<void> {
    this.#closing.abort();
    const interrupt = () => {
      if (!this.#isCommitting) this.#connection.interrupt();
    };
    // Again, as it may come between two statements.
    const interrupts = setInterval(interrupt, INTERRUPT_EVERY_MS);
    interrupt();
    await running;
    clearInterval(interrupts);
    this.#deleteFiles.close();
    this.#connection.closeSync();
  }

  /** A pass. @returns how many it found */
  async #retireChanges(ageMs: number, left: RetiredCounts): Promise<number> {
    const connection = this.#connection;
    const { spec } = this.#target;
    const leaving = nextLeaving();
    // One snapshot: what is committed meanwhile is neither old nor the last of its key.
    await connection.run('BEGIN');
    let found: number;
    try {
      await checkSpec(connection, spec);
      found = await findOld(connection, spec, ageMs, leaving, await mergedState(connection, spec));
      await connection.run('COMMIT');
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      throw thrown;
    }
    try {
      for (let part = 0; part * PART_ROWS < found && !this.#closing.signal.aborted; part++) {
        left.changes += await this.#retirePart(`(FROM ${leaving} WHERE part = ${part})`);
      }
    } finally {
      await connection.run(`DROP TABLE ${leaving}`).catch(() => {});
    }
    return found;
  }

  /** @returns how many left: all, or none because one of them had gone */
  async #retirePart(part: string): Promise<number> {
    const connection = this.#connection;
    const { spec } = this.#target;
    const [{ rows, within }] = await rowsOf(
      connection,
      `SELECT count(*) AS rows, format('kafka_partition BETWEEN {} AND {} AND kafka_offset BETWEEN {} AND {}',
         min(kafka_partition), max(kafka_partition), min(kafka_offset), max(kafka_offset)) AS within FROM ${part}`,
    );
    const path = await this.#writeIds(part, String(within));
    let isWritten = false;
    try {
      await this.#commit(['batches'], async () => {
        isWritten = false;
        await checkSpec(connection, spec);
        if (path !== undefined) await registerTableFiles(connection, RETIRED, [path]);
        const deleted = await deleteChanges(connection, spec, part, String(within));
        if (deleted !== Number(rows)) throw new RowsGone();
        await countRetired(connection, 'rows_retired', part, deleted);
        isWritten = true;
      });
      return Number(rows);
    } catch (thrown) {
      // What may be committed stays; housekeeping removes what no one needs in the end.
      if (path !== undefined && !(isWritten && isDoubtful(thrown))) {
        await removeTableFile(connection, path).catch(() => {});
      }
      if (thrown instanceof RowsGone) return 0;
      throw thrown;
    }
  }

  /** @returns undefined if changes have no ids */
  async #writeIds(part: string, within: string): Promise<string | undefined> {
    const { spec, topic, dataPath, compaction } = this.#target;
    const ids = retiredRows(spec, topic, part, within);
    if (ids === undefined) return undefined;
    const metadata = new Map([['sluice.topic', topic]]);
    const copy = { compression: compaction.compression, metadata, rowGroupRows: ROW_GROUP_ROWS };
    return await writeTableFile(this.#connection, dataPath, RETIRED, `(${ids}) ORDER BY change_seq, change_id`, copy);
  }

  async #retireQuarantine(ageMs: number, left: RetiredCounts): Promise<void> {
    const connection = this.#connection;
    while (!this.#closing.signal.aborted && (await hasOldQuarantine(connection, ageMs))) {
      let gone = 0;
      await this.#commit(['quarantine', 'batches'], async () => {
        gone = await retireQuarantine(connection, ageMs, QUARANTINE_ROWS);
      });
      left.quarantined += gone;
    }
  }

  /** @param tables of Sluice of which it deletes rows, beside the changes */
  async #commit(tables: readonly string[], work: () => Promise<void>): Promise<void> {
    const [connection, deleteFiles] = [this.#connection, this.#deleteFiles];
    this.#isCommitting = true;
    try {
      await this.#changes.run(() => deleteFiles.during(connection, () => deleteFiles.during(connection, work, tables)));
    } finally {
      this.#isCommitting = false;
    }
  }
}

/** Another process has taken changes out since they were found. */
class RowsGone extends Error {}

/** @throws SluiceError SLUICE_SPEC_CHANGED */
async function checkSpec(connection: DuckDBConnection, spec: TableSpec): Promise<void> {
  if (await isSpecOf(connection, spec)) return;
  throw new SluiceError(
    'SLUICE_SPEC_CHANGED',
    'changes that are older than RETAIN_CHANGES stay for now: another process has started with another table spec ' +
      'since this one did, and that spec decides which change is the last of its key. Start this one with it, too',
  );
}

async function mergedState(connection: DuckDBConnection, spec: TableSpec): Promise<MergedState | undefined> {
  const [{ has_state }] = await rowsOf(connection, HAS_STATE);
  return has_state === true ? { state: LAKE_STATE.state, merged: LAKE_STATE.merged(spec) } : undefined;
}
