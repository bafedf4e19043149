/**
 * Takes messages out of the quarantine of a lake that are rows now, exactly once.
 *
 *   1. COPY    the rows of a piece into one file where DuckLake has those that it makes itself; fsync
 *   2. commit  one transaction: the file is registered, duplicates and markers among its rows are deleted; out of the
 *              quarantine; the ledger's batches count them as rows; sluice.replays says what became of each
 *
 * It has the number of a commit, and moves no partition: of two transactions that were made from the same state,
 * commits and replays of whatever process, one is made anew (ownership.ts), and finds then which messages are still in
 * the quarantine. Killed before the COMMIT, nothing has changed, and housekeeping removes the file.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { combineStats } from '../../core/batch-stats.js';
import type { ParquetFile } from '../../core/flow.js';
import { lakeError, outageError } from '../../core/outage.js';
import type { ReplayedBatch, ReplayOutcome, ReplayPiece } from '../../core/replay.js';
import { rowsOf } from '../../core/sql.js';
import { rowGroupRows } from '../../parquet/row-groups.js';
import { countRepeated } from '../duckdb/duplicates.js';
import { runsOf } from '../duckdb/joined-file.js';
import { checkSpec, ledgerCounts, REPLAYS, relationOf, replaysOf, takenBy } from '../duckdb/replay-tables.js';
import { DeleteFiles } from './delete-files.js';
import { connectLake } from './lake.js';
import { whileConflicting } from './lake-errors.js';
import { LakeFileOptions } from './lake-file-options.js';
import { type LakeTable, register } from './lake-transaction.js';
import type { LastCommit, Outcome, Ownership } from './ownership.js';
import { emptyLakeState, STATE_TABLE, stateTables } from './state.js';
import { removeTableFile, writeTableFile } from './table-file.js';
import { isDoubtful, Transactions } from './transactions.js';

/** What of a position the ledger has. */
const POSITION_COLUMNS = {
  watermark: 'greatest(watermark, "the time")',
  max_change_seq: 'greatest(max_change_seq, "the sequence")',
};

/** The replay of one open lake, on connections of its own. */
export class LakeReplay {
  readonly #table: LakeTable;
  readonly #connection: DuckDBConnection;
  readonly #deleteFiles: DeleteFiles;
  readonly #fileOptions: LakeFileOptions;
  readonly #ownership: Ownership;
  readonly #closing: AbortSignal;

  private constructor(
    table: LakeTable,
    connection: DuckDBConnection,
    deleteFiles: DeleteFiles,
    ownership: Ownership,
    closing: AbortSignal,
  ) {
    this.#table = table;
    this.#connection = connection;
    this.#deleteFiles = deleteFiles;
    const call = (call: string) => whileConflicting(() => connection.run(`CALL ${call}`));
    this.#fileOptions = new LakeFileOptions(connection, call);
    this.#ownership = ownership;
    this.#closing = closing;
  }

  /**
   * Makes the table of what was replayed.
   * @param closing from then on nothing is made anew
   */
  static async open(
    instance: DuckDBInstance,
    table: LakeTable,
    ownership: Ownership,
    closing: AbortSignal,
  ): Promise<LakeReplay> {
    const connection = await connectLake(instance);
    await whileConflicting(() => connection.run(REPLAYS));
    const deleteFiles = new DeleteFiles(await instance.connect(), table.dataPath, table.spec);
    return new LakeReplay(table, connection, deleteFiles, ownership, closing);
  }

  /**
   * Takes a piece, as `ReplayTarget` says, while this process commits nothing else.
   * @throws SluiceError SLUICE_SPEC_CHANGED, SLUICE_DATA_DIR, SLUICE_LAKE; to replay again does what was not
   *   committed
   */
  async take(piece: ReplayPiece): Promise<ReplayOutcome | undefined> {
    checkSpec(this.#table.spec, piece);
    try {
      // Files of it stay for ever if their rows are deleted in the catalog.
      await this.#fileOptions.keepInFiles(STATE_TABLE);
      const path = await this.#writeFile(piece.batches);
      const isThis = await this.#commit(piece.batches, path);
      if (isThis === undefined) return undefined;
      const outcome = await this.#outcomeOf(isThis);
      // Not registered (lake-transaction.ts). Housekeeping removes one that stays.
      if (path !== undefined && outcome.merged === 0) await removeTableFile(this.#connection, path).catch(() => {});
      return outcome;
    } catch (thrown) {
      const errorOf = this.#ownership.isShared ? outageError : lakeError;
      throw errorOf(thrown, 'messages cannot be taken out of the quarantine; to replay again takes the rest');
    }
  }

  close(): void {
    this.#deleteFiles.close();
    this.#connection.closeSync();
  }

  /** Durable when it is done, its name included. @returns undefined if there are no rows */
  async #writeFile(batches: readonly ReplayedBatch[]): Promise<string | undefined> {
    const { dataPath, spec, topic, compaction } = this.#table;
    const paths = batches.flatMap(({ file }) => (file === undefined ? [] : [file.tempPath]));
    if (paths.length === 0) return undefined;
    const metadata = new Map([
      ['sluice.topic', topic],
      ['sluice.replayed', new Date().toISOString()],
    ]);
    const groupRows = rowGroupRows(await runsOf(this.#connection, paths));
    const copy = { compression: compaction.compression, metadata, rowGroupRows: groupRows };
    const rows = `${relationOf(batches)} ORDER BY kafka_offset`;
    return await writeTableFile(this.#connection, dataPath, { schema: 'main', table: spec.table }, rows, copy);
  }

  /** @returns SQL: which rows of sluice.replays are those; undefined if messages have left the quarantine */
  async #commit(batches: readonly ReplayedBatch[], path: string | undefined): Promise<string | undefined> {
    // So exact that no other replay has it.
    const replayedAt = `make_timestamptz(${Date.now() * 1000 + Math.floor(Math.random() * 1000)})`;
    const isThis = `partition_id = ${batches[0].partition} AND replayed_at = ${replayedAt}`;
    const isThere = `SELECT 1 FROM sluice.replays WHERE ${isThis} LIMIT 1`;
    const ownership = {
      exclusively: <T>(work: (last: LastCommit) => Promise<T>) => this.#ownership.exclusively(work),
      committed: this.#ownership.committed.bind(this.#ownership),
      outcomeOf: async (): Promise<Outcome> =>
        (await rowsOf(this.#connection, isThere)).length > 0 ? 'committed' : 'open',
    };
    const { topic } = this.#table;
    const transactions = new Transactions(this.#connection, ownership, this.#deleteFiles, topic, this.#closing);
    const { maxChangeSeq } = combineStats(batches.map(({ stats }) => stats));
    let isWritten = false;
    try {
      await transactions.run([], maxChangeSeq, async (last) => {
        isWritten = false;
        await this.#write(last, batches, path, replayedAt);
        isWritten = true;
      });
      return isThis;
    } catch (thrown) {
      // What may be committed stays; housekeeping removes what no one needs in the end.
      if (path !== undefined && !(isWritten && isDoubtful(thrown))) {
        await removeTableFile(this.#connection, path).catch(() => {});
      }
      if (thrown instanceof MessagesGone) return undefined;
      throw thrown;
    }
  }

  /** All of the transaction but its COMMIT. */
  async #write(
    last: LastCommit,
    batches: readonly ReplayedBatch[],
    path: string | undefined,
    replayedAt: string,
  ): Promise<void> {
    const connection = this.#connection;
    const { spec } = this.#table;
    const taken = `FROM sluice.quarantine WHERE ${takenBy(batches)}`;
    const [{ messages }] = await rowsOf(connection, `SELECT count(*) AS messages ${taken}`);
    if (Number(messages) !== batches.reduce((sum, { taken }) => sum + taken.length, 0)) throw new MessagesGone();
    const written =
      path === undefined
        ? countRepeated(batches)
        : await register(connection, this.#table, this.#deleteFiles, last, inOneFile(batches, path));
    await connection.run(replaysOf(spec, batches, replayedAt));
    const ofState = written.some(({ stats }) => stats.merged > 0) ? await stateTables(connection) : [];
    const change = async () => {
      await connection.run(`DELETE ${taken}`);
      await connection.run(ledgerCounts(this.#table.topic, written, POSITION_COLUMNS));
      if (ofState.length > 0) await emptyLakeState(connection);
    };
    await this.#deleteFiles.during(connection, change, ['quarantine', 'batches', ...ofState]);
  }

  async #outcomeOf(isThis: string): Promise<ReplayOutcome> {
    const rows = await rowsOf(
      this.#connection,
      `SELECT outcome, count(*)::INTEGER AS messages FROM sluice.replays WHERE ${isThis} GROUP BY outcome`,
    );
    const outcome = { merged: 0, duplicate: 0, marker: 0, tombstone: 0 };
    for (const row of rows) outcome[row.outcome as keyof ReplayOutcome] = Number(row.messages);
    return outcome;
  }
}

/** Messages have left the quarantine since they were read. */
class MessagesGone extends Error {}

/** The batches as those of a commit that has one file. */
function inOneFile(batches: readonly ReplayedBatch[], path: string): ReplayedBatch[] {
  const file: ParquetFile = { tempPath: path, path, bytes: 0 };
  return batches.map((batch, index) => ({ ...batch, file: index === 0 ? file : undefined }));
}
