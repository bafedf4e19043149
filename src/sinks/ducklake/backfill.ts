/**
 * Gives rows of a lake that nobody uses the values of a column that the spec got after they were written: their fields
 * are in `extra`. All in one transaction, which has the number of a commit, and moves no partition:
 *
 *   1. COPY     the rows that change, as they will be, into one file, where DuckLake has its own; fsync
 *   2. commit   these rows are deleted where they were, the file is registered; the ledger counts their issues; a state
 *               that is a table is emptied, which the next run merges again
 *   3. rewrite  of a column with masks: files with deleted rows, which have its clear text, without these rows
 *
 * Killed before the COMMIT, nothing has changed, and housekeeping removes the file. To do it again does what is left.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import type { RemovedFile } from '../../core/flow.js';
import { lakeError } from '../../core/outage.js';
import { identifier, rowsOf } from '../../core/sql.js';
import { rowGroupRows } from '../../parquet/row-groups.js';
import type { SpecColumn } from '../../schema/spec.js';
import type { FileRange } from '../../storage/data-dir.js';
import { type Backfilled, BackfilledColumn, hasMaskInside, type KeptExtra } from '../duckdb/backfill-rows.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { parquet } from '../duckdb/file-inventory.js';
import { openAlone, refuseOthers } from './alone.js';
import { Housekeeping } from './housekeeping.js';
import { closeParts, type LakeParts, type LakePartsOptions } from './lake-parts.js';
import { narrowStatistics } from './narrowed-statistics.js';
import { alone } from './numbered-changes.js';
import { settleFiles } from './orphans.js';
import { isPostgres } from './settings.js';
import { emptyLakeState, stateTables } from './state.js';
import { type LakeTableName, registerTableFiles, removeTableFile, writeTableFile } from './table-file.js';
import { doneAgain, isDoubtful, Transactions } from './transactions.js';

export interface LakeBackfillOptions extends LakePartsOptions {
  readonly column: SpecColumn;
  /** Of the `extra` of a page, unless its first row has more. */
  readonly pageBytes: number;
  readonly compaction: CompactionOptions;
  readonly keepSnapshotsMs: number;
}

/** What is read at a time: files of other offsets are not. Each page of a place reads the rest of it. */
const PLACE_OFFSETS = 100_000;
/** SQL: a temporary table of the rows that change. */
const CHANGING = 'temp.backfilling';

const ADVICE = 'backfill, and start them again';

export class LakeBackfill {
  readonly #options: LakeBackfillOptions;
  readonly #parts: LakeParts;
  readonly #column: BackfilledColumn;
  /** What unfinished commits had left. */
  readonly removed: readonly RemovedFile[];
  /** The bit of `issues` that the column has. */
  readonly issueBit: number;

  private constructor(options: LakeBackfillOptions, parts: LakeParts, removed: readonly RemovedFile[]) {
    this.#options = options;
    this.#parts = parts;
    this.removed = removed;
    this.issueBit = parts.issueBits[options.spec.columns.indexOf(options.column)];
    this.#column = new BackfilledColumn(options.column, this.issueBit);
  }

  /**
   * Does what a start does: brings the tables in line with the spec.
   * @throws SluiceError as `openAlone`
   */
  static async open(options: LakeBackfillOptions): Promise<LakeBackfill> {
    const parts = await openAlone(options, 'backfill', ADVICE);
    try {
      // Of backfills and replays that were killed.
      rmSync(join(options.dataDir, '.replay'), { recursive: true, force: true });
      return new LakeBackfill(options, parts, await settleFiles(parts.connection, options, parts.ownership));
    } catch (thrown) {
      closeParts(parts);
      throw lakeError(thrown, 'the lake cannot be opened');
    }
  }

  /** Ranges of offsets, by partition and offset. */
  async places(): Promise<FileRange[]> {
    const rows = await rowsOf(
      this.#parts.connection,
      `SELECT partition_id, min(start_offset) AS "start", max(next_offset) AS "next" FROM sluice.batches
       WHERE rows_merged > 0 GROUP BY partition_id, start_offset // ${PLACE_OFFSETS} ORDER BY ALL`,
    );
    return rows.map(({ partition_id, start, next }) => {
      return { partition: Number(partition_id), start: Number(start), next: Number(next) };
    });
  }

  /** What rows without a value have in `extra` where the column's fields may be, a page at a time in offset order. */
  extras(place: FileRange): AsyncGenerator<readonly KeptExtra[]> {
    return this.#column.extras(this.#parts.connection, this.#table, place, this.#options.pageBytes);
  }

  /**
   * Commits what was read of all places.
   * @param paths files of `extraSpec` with the rows of the pages, at least one; they can go then
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_LAKE; SLUICE_LOCKED if anybody has connected since `open`; then
   *   nothing has changed, or all of it
   */
  async commit(paths: readonly string[]): Promise<Backfilled> {
    try {
      const known = await this.#parts.ownership.exclusively(async ({ commit }) => commit);
      const counts = await this.#find(paths);
      if (counts.rows > 0) await this.#commit(await this.#writeFile(counts), known);
      return counts;
    } catch (thrown) {
      throw lakeError(thrown, 'the column cannot be backfilled; to do it again does what is left');
    }
  }

  /**
   * Of a column with a mask, or with masks inside of it: leaves what was taken out of `extra` in no file of the newest
   * snapshot, nor in what the catalog says of least and greatest values. Older snapshots have it until they go. What
   * was not taken stays clear: copies of the fields in `extra`, and all of an `extra` that could not be read.
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_LAKE; SLUICE_LOCKED if anybody has connected or committed since
   *   `open`. To do it again does what is left
   */
  async cleanUp(): Promise<void> {
    const { column, spec } = this.#options;
    if (column.mask === undefined && !hasMaskInside(column, spec)) return;
    const { instance, connection, ownership } = this.#parts;
    const isShared = isPostgres(this.#options.catalog);
    try {
      const housekeeping = await Housekeeping.open(instance, { ...this.#options, isShared }, alone(ownership));
      await housekeeping.rewriteAll().finally(() => housekeeping.close());
      await narrowStatistics(connection, isShared, ADVICE, 'extra');
    } catch (thrown) {
      throw lakeError(thrown, 'files have clear text of rows that are masked now: backfill again');
    }
  }

  close(): void {
    closeParts(this.#parts);
  }

  get #table(): string {
    return identifier(this.#options.spec.table);
  }

  get #tableName(): LakeTableName {
    return { schema: 'main', table: this.#options.spec.table };
  }

  /** Makes CHANGING of what was read. */
  async #find(paths: readonly string[]): Promise<Backfilled & { readonly rows: number; readonly textBytes: number }> {
    const { connection } = this.#parts;
    const { names, hasValue, isChanged } = this.#column;
    const read = [...names, 'kafka_partition', 'kafka_offset', 'extra', 'issues'].map((name) => `r.${name}`).join(', ');
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE backfilling AS
       SELECT ${read}, t.issues AS "issues before", strlen(t::VARCHAR) AS "text bytes"
       FROM ${parquet(paths)} r JOIN ${this.#table} t
         ON t.kafka_partition = r.kafka_partition AND t.kafka_offset = r.kafka_offset
       WHERE ${isChanged}`,
    );
    const [row] = await rowsOf(
      connection,
      `SELECT count(*) AS rows, coalesce(sum("text bytes"), 0)::DOUBLE AS bytes,
         count(*) FILTER (issues = 0 AND (${hasValue})) AS "values", count(*) FILTER (issues <> 0) AS issues
       FROM ${CHANGING} r`,
    );
    const [rows, textBytes, values, issues] = [row.rows, row.bytes, row.values, row.issues].map(Number);
    return { rows, textBytes, values, issues };
  }

  /** @returns its path */
  async #writeFile({ rows, textBytes }: { readonly rows: number; readonly textBytes: number }): Promise<string> {
    const { dataPath, topic, compaction } = this.#options;
    const metadata = new Map([
      ['sluice.topic', topic],
      ['sluice.backfilled', new Date().toISOString()],
    ]);
    const copy = { compression: compaction.compression, metadata, rowGroupRows: rowGroupRows([{ rows, textBytes }]) };
    return await writeTableFile(this.#parts.connection, dataPath, this.#tableName, this.#rowsAnew(), copy);
  }

  /** @param known the last commit before the file was made */
  async #commit(path: string, known: number): Promise<void> {
    const { connection, ownership, deleteFiles } = this.#parts;
    const { catalog, topic } = this.#options;
    const { signal } = new AbortController();
    const transactions = new Transactions(connection, doneAgain(ownership), deleteFiles, topic, signal);
    let isWritten = false;
    try {
      await transactions.run([], undefined, async ({ commit }) => {
        isWritten = false;
        if (isPostgres(catalog)) await refuseOthers(connection, ADVICE);
        if (commit !== known) {
          throw new SluiceError('SLUICE_LOCKED', `another process has committed: stop it, ${ADVICE}`);
        }
        await this.#write(path);
        isWritten = true;
      });
    } catch (thrown) {
      // What may be committed stays; housekeeping removes what no one needs in the end.
      if (!(isWritten && isDoubtful(thrown))) await removeTableFile(connection, path).catch(() => {});
      throw thrown;
    }
  }

  /** All of the transaction but its COMMIT. */
  async #write(path: string): Promise<void> {
    const { connection, deleteFiles } = this.#parts;
    await deleteFiles.during(connection, async () => {
      await connection.run(
        `DELETE FROM ${this.#table} WHERE (kafka_partition, kafka_offset) IN
           (SELECT (kafka_partition, kafka_offset) FROM ${CHANGING})`,
      );
    });
    await registerTableFiles(connection, this.#tableName, [path]);
    const ofState = await stateTables(connection);
    const change = async () => {
      await this.#countIssues();
      if (ofState.length > 0) await emptyLakeState(connection);
    };
    await deleteFiles.during(connection, change, ['batches', ...ofState]);
  }

  /** SQL: the rows that change, as they will be. */
  #rowsAnew(): string {
    const values = this.#column.names.map((name) => `coalesce(r.${name}, t.${name}) AS ${name}`).join(', ');
    return `(SELECT t.* REPLACE (${values}, t.issues | r.issues AS issues, r.extra AS extra)
      FROM ${this.#table} t JOIN ${CHANGING} r
        ON t.kafka_partition = r.kafka_partition AND t.kafka_offset = r.kafka_offset)
      ORDER BY kafka_partition, kafka_offset`;
  }

  /** Rows of a batch that had no issue and have one now. */
  async #countIssues(): Promise<void> {
    await this.#parts.connection.run(
      `UPDATE sluice.batches SET rows_with_issues = rows_with_issues + "the issues"
       FROM (SELECT b.partition_id AS "the partition", b.start_offset AS "the start", count(*) AS "the issues"
         FROM ${CHANGING} r JOIN sluice.batches b ON b.partition_id = kafka_partition
           AND start_offset <= kafka_offset AND kafka_offset < next_offset
         WHERE r.issues <> 0 AND "issues before" = 0 GROUP BY ALL)
       WHERE partition_id = "the partition" AND start_offset = "the start"`,
    );
  }
}
