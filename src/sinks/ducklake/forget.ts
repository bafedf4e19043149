/**
 * Takes all of a key out of a lake that no process uses: its rows, and what the quarantine has of it. To the ledger
 * each of these messages is then a tombstone, one that has no row.
 *
 *   1. commit    one transaction: rows and messages leave, the ledger counts tombstones, sluice.forgotten has a row for
 *                each partition
 *   2. rewrite   files with deleted rows, duplicates of long ago among them, without these rows
 *   3. clean up  all snapshots but the last one go, and all files that only they have, or none
 *   4. catalog   what it says of least and greatest values is of the rows that are left; a catalog in a file is copied
 *                to a new one, as DuckDB leaves deleted rows in its blocks
 *
 * Killed at any moment, the lake is whole, and to do it again does what is left.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import type { RemovedFile } from '../../core/flow.js';
import { lakeError } from '../../core/outage.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { roleColumn } from '../../schema/spec.js';
import { removeSpilled, spilledFiles, spillFolders } from '../../storage/spill.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { removeUnfinishedDatabases } from '../duckdb/database.js';
import {
  FORGOTTEN,
  type ForgetTarget,
  type Forgotten,
  findLeaving,
  forgetTarget,
  LEAVING,
  leave,
  leavingQuarantine,
} from '../duckdb/forget-tables.js';
import { type MessageTest, type QuarantinePlace, searchQuarantine } from '../duckdb/quarantine-search.js';
import { renewDatabase } from '../duckdb/renewed-database.js';
import { openAlone, refuseOthers } from './alone.js';
import { removeDeadInlinedRows } from './dead-inlined-rows.js';
import { Housekeeping } from './housekeeping.js';
import { closeParts, type LakeParts, type LakePartsOptions } from './lake-parts.js';
import { narrowStatistics } from './narrowed-statistics.js';
import { alone } from './numbered-changes.js';
import { settleFiles } from './orphans.js';
import { isPostgres } from './settings.js';
import { emptyLakeState, stateTables } from './state.js';
import { doneAgain, Transactions } from './transactions.js';

export interface LakeForgetOptions extends LakePartsOptions {
  readonly compaction: CompactionOptions;
  /** As the column in the role of key has it. */
  readonly key: string;
  /** What stands for the key in sluice.forgotten. */
  readonly keyHash: string;
  /** Whether a quarantined message is of the key. */
  readonly isOfKey: MessageTest;
}

/** Files that others read go, and what others delete would come back. */
const ADVICE = 'forget, and start them again; --dry-run works beside them';

/** Holds the lake as a run does. */
export class LakeForget {
  readonly #options: LakeForgetOptions;
  readonly #parts: LakeParts;
  readonly #target: ForgetTarget;
  /** Milliseconds since the epoch: from then on, nobody else used the lake. */
  readonly #openedMs: number;
  /** What unfinished commits had left. */
  readonly removed: readonly RemovedFile[];
  /** Whether a state that is a table has to be merged again, which the next run does. */
  readonly hadState: boolean;

  private constructor(
    options: LakeForgetOptions,
    parts: LakeParts,
    target: ForgetTarget,
    openedMs: number,
    found: Pick<LakeForget, 'removed' | 'hadState'>,
  ) {
    this.#options = options;
    this.#parts = parts;
    this.#target = target;
    this.#openedMs = openedMs;
    this.removed = found.removed;
    this.hadState = found.hadState;
  }

  /** @throws SluiceError as `openAlone` */
  static async open(options: LakeForgetOptions): Promise<LakeForget> {
    const { catalog } = options;
    const openedMs = Date.now();
    const spilled = spilledFiles(spillFolders(options.dataDir));
    const parts = await openAlone(options, 'forget', ADVICE);
    const { connection, ownership } = parts;
    try {
      if (!isPostgres(catalog)) removeUnfinishedDatabases(catalog);
      // Replays that were killed.
      rmSync(join(options.dataDir, '.replay'), { recursive: true, force: true });
      removeSpilled(spilled);
      const removed = await settleFiles(connection, options, ownership);
      await connection.run(FORGOTTEN);
      const target = await forgetTarget(connection, options);
      const hadState = (await stateTables(connection)).length > 0;
      return new LakeForget(options, parts, target, openedMs, { removed, hadState });
    } catch (thrown) {
      closeParts(parts);
      throw lakeError(thrown, 'the lake cannot be opened');
    }
  }

  /**
   * @throws SluiceError SLUICE_LAKE or SLUICE_DATA_DIR; SLUICE_LOCKED if anybody has connected since `open`; what was
   *   committed stays so: to do it again does the rest. What `isOfKey` throws: then nothing has left
   */
  async run(): Promise<Forgotten> {
    const { connection } = this.#parts;
    try {
      const messages = await searchQuarantine((sql) => rowsOf(connection, sql), this.#options.isOfKey);
      const rows = await this.commit(messages);
      const files = await this.#cleanUp();
      return { rows, others: 0, quarantined: messages.length, files };
    } catch (thrown) {
      throw lakeError(thrown, 'not all of the key is forgotten: do it again');
    }
  }

  /**
   * How many ids of changes that left by their age the lake keeps, of all keys: nobody knows which are of this one.
   * @throws DuckDB's error
   */
  async retiredIds(): Promise<number> {
    if (!this.#target.hasRetired) return 0;
    const [{ ids }] = await rowsOf(this.#parts.connection, 'SELECT count(change_id) AS ids FROM sluice.retired');
    return Number(ids);
  }

  /** The transaction alone. @param messages of the quarantine @returns how many rows have left */
  async commit(messages: readonly QuarantinePlace[] = []): Promise<number> {
    const { spec, key } = this.#options;
    const rows = `SELECT kafka_partition AS partition_id, kafka_offset AS message_offset, 'merged' AS was
      FROM ${identifier(spec.table)} WHERE ${identifier(roleColumn(spec, 'key')!.name)} = ${literal(key)}`;
    const ofQuarantine = messages.length === 0 ? '' : `UNION ALL ${leavingQuarantine(messages)}`;
    const found = await findLeaving(this.#parts.connection, `${rows} ${ofQuarantine}`);
    if (found > 0) await this.#commit();
    return found - messages.length;
  }

  /** Does the last of it, too. */
  async close(): Promise<void> {
    closeParts(this.#parts);
    const { catalog } = this.#options;
    if (isPostgres(catalog)) return;
    const instance = await DuckDBInstance.create(catalog);
    const connection = await instance.connect();
    try {
      await renewDatabase(connection, catalog);
    } catch (thrown) {
      throw lakeError(thrown, 'not all of the key is forgotten: do it again');
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  async #commit(): Promise<void> {
    const { connection, ownership, deleteFiles } = this.#parts;
    const partitions = await rowsOf(connection, `SELECT DISTINCT partition_id FROM ${LEAVING} ORDER BY ALL`);
    const ofState = await stateTables(connection);
    const { hasReplays } = this.#target;
    const tables = ['batches', 'quarantine', ...(hasReplays ? ['replays'] : []), ...ofState];
    const work = async () => {
      for (const { partition_id } of partitions) await leave(connection, this.#target, Number(partition_id));
      if (ofState.length > 0) await emptyLakeState(connection);
    };
    const { signal } = new AbortController();
    const transactions = new Transactions(connection, doneAgain(ownership), deleteFiles, this.#options.topic, signal);
    await transactions.run([], undefined, () =>
      deleteFiles.during(connection, () => deleteFiles.during(connection, work, tables)),
    );
  }

  /** @returns how many files were rewritten */
  async #cleanUp(): Promise<number> {
    const { instance, connection, ownership } = this.#parts;
    // What is not in the catalog and younger, somebody may be about to register who connects after the last look.
    const nothingKept = { keepSnapshotsMs: 0, keepFilesMs: 0, startedMs: this.#openedMs };
    const isShared = isPostgres(this.#options.catalog);
    const housekeeping = await Housekeeping.open(
      instance,
      { ...this.#options, ...nothingKept, isShared },
      alone(ownership),
    );
    let files: number;
    try {
      files = await housekeeping.rewriteAll();
      if (isShared) await refuseOthers(connection, ADVICE);
      const { left } = await housekeeping.run(true);
      if (left.length > 0) throw new SluiceError('SLUICE_LAKE', left.join('; '));
    } finally {
      await housekeeping.close();
    }
    await removeDeadInlinedRows(connection, isShared);
    await narrowStatistics(connection, isShared, ADVICE);
    return files;
  }
}
