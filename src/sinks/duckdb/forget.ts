/**
 * Takes all of a key out of a data directory at rest: its rows in the change log and in the files, and what the
 * quarantine has of it. To the ledger each of these messages is then a tombstone, one that has no row.
 *
 *   files      a transaction for each file that has rows of the key: they leave the change log and the ledger's counts,
 *              a new file without them is written, and renamed over the old one after the COMMIT. Killed in between,
 *              the next start renames it, as after the rewriting of a file (compaction.ts)
 *   the rest   a transaction for rows whose file has left, and one for the quarantine
 *   database   DuckDB leaves deleted rows in its blocks: everything is copied to a new database, which is renamed over
 *              the old one. Killed before, the next start removes it, and the old rows are still in the old blocks
 *
 * Each transaction has a row of its own in sluice.forgotten, which does not have the key. To do it again does what is
 * left.
 */
import { renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { sinkError } from '../../core/errors.js';
import type { ParquetFile, RemovedFile } from '../../core/flow.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { roleColumn } from '../../schema/spec.js';
import { databasePath, sync } from '../../storage/data-dir.js';
import { stageOfOtherSize } from '../../storage/staged-file.js';
import { type DatabaseOptions, openDatabase } from './database.js';
import { columnDefinitions } from './ddl.js';
import { parquet } from './file-inventory.js';
import {
  FORGOTTEN,
  type ForgetTarget,
  type Forgotten,
  type ForgottenCounts,
  findLeaving,
  forgetTarget,
  LEAVING,
  leave,
  leavingQuarantine,
} from './forget-tables.js';
import { type JoinedFileOptions, writeJoinedFile } from './joined-file.js';
import { LEDGER_FILES, type LedgerFile, ledgerFile } from './ledger-files.js';
import { type DirectoryOptions, openDirectory } from './opening.js';
import { type MessageTest, type QuarantinePlace, searchQuarantine } from './quarantine-search.js';
import { withdraw } from './recovery.js';
import { renewDatabase } from './renewed-database.js';
import { HAS_STATE } from './state.js';

export interface ForgetOptions extends DatabaseOptions, Omit<DirectoryOptions, 'state'>, JoinedFileOptions {
  /** As the column in the role of key has it. */
  readonly key: string;
  /** What stands for the key in sluice.forgotten. */
  readonly keyHash: string;
  /** Whether a quarantined message is of the key. */
  readonly isOfKey: MessageTest;
}

/** Holds the data directory as a run does. */
export class Forget {
  readonly #options: ForgetOptions;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #table: string;
  readonly #key: string;
  readonly #target: ForgetTarget;
  /** What an unfinished commit, join or write had left. */
  readonly removed: readonly RemovedFile[];
  /** Whether a state that was a table has gone: the next run with STATE=table makes it again. */
  readonly hadState: boolean;

  private constructor(
    options: ForgetOptions,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    target: ForgetTarget,
    found: Pick<Forget, 'removed' | 'hadState'>,
  ) {
    this.#options = options;
    this.#instance = instance;
    this.#connection = connection;
    this.#table = identifier(options.spec.table);
    this.#key = identifier(roleColumn(options.spec, 'key')!.name);
    this.#target = target;
    this.removed = found.removed;
    this.hadState = found.hadState;
  }

  /** @throws SluiceError as `openDirectory` */
  static async open(options: ForgetOptions): Promise<Forget> {
    const instance = await openDatabase(databasePath(options.dataDir), options);
    const connection = await instance.connect();
    try {
      const [{ has_state }] = await rowsOf(connection, HAS_STATE);
      const { removed } = await openDirectory(connection, { ...options, state: 'view' });
      await connection.run(FORGOTTEN);
      const target = await forgetTarget(connection, options);
      return new Forget(options, instance, connection, target, { removed, hadState: has_state === true });
    } catch (thrown) {
      connection.closeSync();
      instance.closeSync();
      throw sinkError(thrown, 'the data directory cannot be opened');
    }
  }

  /**
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_SINK; what was committed stays so: to do it again does the rest.
   *   What `isOfKey` throws: then nothing has left
   */
  async run(): Promise<Forgotten> {
    try {
      const { isOfKey } = this.#options;
      const messages = await searchQuarantine((sql) => rowsOf(this.#connection, sql), isOfKey);
      let [rows, others, files] = [0, 0, 0];
      for (const file of (await rowsOf(this.#connection, LEDGER_FILES)).map(ledgerFile)) {
        const counts = await this.#forgetFile(file);
        if (counts === undefined) continue;
        rows += counts.merged;
        others += counts.others;
        files++;
      }
      rows += await this.#forgetRows();
      await this.#forgetQuarantined(messages);
      await renewDatabase(this.#connection, databasePath(this.#options.dataDir));
      return { rows, others, quarantined: messages.length, files };
    } catch (thrown) {
      throw sinkError(thrown, 'not all of the key is forgotten: do it again');
    }
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  /** @returns undefined if it has no row of the key */
  async #forgetFile(file: LedgerFile): Promise<ForgottenCounts | undefined> {
    const { dataDir } = this.#options;
    const path = join(dataDir, file.name);
    await this.#run(`CREATE OR REPLACE TEMP TABLE columns_of_spec (${columnDefinitions(this.#options.spec)})`);
    const rows = `(FROM columns_of_spec UNION ALL BY NAME FROM ${parquet([path])})`;
    const inTable = `SELECT 1 FROM ${this.#table} t WHERE t.kafka_partition = f.kafka_partition
      AND t.kafka_offset = f.kafka_offset`;
    // Without change ids there are no duplicates.
    const hasIds = roleColumn(this.#options.spec, 'change_id') !== undefined;
    const retired = hasIds
      ? 'EXISTS (FROM sluice.retired r WHERE r.partition_id = kafka_partition AND message_offset = kafka_offset)'
      : 'true';
    const found = await this.#find(
      `SELECT kafka_partition AS partition_id, kafka_offset AS message_offset,
         CASE WHEN EXISTS (${inTable}) THEN 'merged' WHEN ${this.#target.hasRetired ? retired : 'false'} THEN 'retired'
           ELSE 'duplicate' END AS was
       FROM ${rows} f WHERE ${this.#key} = ${literal(this.#options.key)}
         AND NOT EXISTS (FROM sluice.markers m
           WHERE m.partition_id = kafka_partition AND message_offset = kafka_offset)`,
    );
    if (found === 0) return undefined;
    let staged: ParquetFile | undefined;
    try {
      await this.#run('BEGIN');
      const counts = await leave(this.#connection, this.#target, file.partition, file.name);
      staged = await this.#stage(file);
      await this.#run(
        `UPDATE sluice.batches SET file_bytes = ${staged.bytes} WHERE file = ${literal(file.name)}
           AND partition_id = ${file.partition}`,
      );
      await this.#run('COMMIT');
      renameSync(staged.tempPath, staged.path);
      sync(dirname(staged.path));
      return counts;
    } catch (thrown) {
      const wasOpen = await this.#run('ROLLBACK')
        .then(() => true)
        .catch(() => false);
      // After the COMMIT the ledger means the new file.
      if (wasOpen && staged !== undefined) withdraw([{ ...staged, path: staged.tempPath }]);
      throw thrown;
    }
  }

  /** Writes the file without its rows that leave. */
  async #stage(file: LedgerFile): Promise<ParquetFile> {
    const replaced = (rows: string) =>
      `(FROM ${rows} WHERE kafka_offset NOT IN (SELECT message_offset FROM ${LEAVING}))`;
    const path = join(this.#options.dataDir, file.name);
    const staged = await stageOfOtherSize(path, file.bytes, (tempPath, mark) => {
      const added = { paths: [], metadata: new Map([['sluice.forgotten', mark]]), replaced };
      return writeJoinedFile(this.#connection, this.#options, [file], tempPath, added);
    });
    // Once the ledger has its size, it must not be lost.
    sync(dirname(path));
    return staged;
  }

  /** Rows whose files have left, or that no file ever had. @returns how many */
  async #forgetRows(): Promise<number> {
    const found = await this.#find(
      `SELECT kafka_partition AS partition_id, kafka_offset AS message_offset, 'merged' AS was FROM ${this.#table}
       WHERE ${this.#key} = ${literal(this.#options.key)}`,
    );
    if (found > 0) await this.#leaveAll();
    return found;
  }

  async #forgetQuarantined(messages: readonly QuarantinePlace[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#find(leavingQuarantine(messages));
    await this.#leaveAll();
  }

  /** Makes the messages of a query those that leave. @returns how many they are */
  async #find(query: string): Promise<number> {
    return await findLeaving(this.#connection, query);
  }

  /** In a transaction of their own. */
  async #leaveAll(): Promise<void> {
    const partitions = await rowsOf(this.#connection, `SELECT DISTINCT partition_id FROM ${LEAVING}`);
    try {
      await this.#run('BEGIN');
      for (const { partition_id } of partitions) await leave(this.#connection, this.#target, Number(partition_id));
      await this.#run('COMMIT');
    } catch (thrown) {
      await this.#run('ROLLBACK').catch(() => {});
      throw thrown;
    }
  }

  async #run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }
}
