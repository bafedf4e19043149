/**
 * Gives rows the values of a column that the spec got after they were written: their fields are in `extra`.
 *
 *   1. begin   the table's rows get value, issue bit and what is left of `extra`; the ledger counts their issues
 *   2. COPY    the file of the rows with the same, in offset order, under its temporary name; fsync
 *   3. commit  with the size of the new file in the ledger
 *   4. rename  over the old file
 *
 * One transaction for each file, safe to kill at any moment as a replay is (replay.ts). What is taken is in `extra` no
 * longer: the next one takes what is left.
 */
import { renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { sinkError } from '../../core/errors.js';
import type { ParquetFile, RemovedFile } from '../../core/flow.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import type { SpecColumn } from '../../schema/spec.js';
import { databasePath, type FileRange, sync } from '../../storage/data-dir.js';
import { stageOfOtherSize } from '../../storage/staged-file.js';
import { type Backfilled, BackfilledColumn, type KeptExtra } from './backfill-rows.js';
import { type DatabaseOptions, openDatabase } from './database.js';
import { parquet } from './file-inventory.js';
import { type JoinedFileOptions, writeJoinedFile } from './joined-file.js';
import { LEDGER_FILES, type LedgerFile, ledgerFile, ledgerRange } from './ledger-files.js';
import { type DirectoryOptions, openDirectory } from './opening.js';
import { withdraw } from './recovery.js';
import { hasRetention, RETIRED_RANGES } from './retention-tables.js';
import { HAS_STATE } from './state.js';

export interface BackfillOptions extends DatabaseOptions, DirectoryOptions, JoinedFileOptions {
  readonly column: SpecColumn;
  /** Of the `extra` of a page, unless its first row has more. */
  readonly pageBytes: number;
}

/** A file of the ledger; or the offsets of one that has left because of its age, whose rows are in the table alone. */
export interface BackfillPlace extends FileRange {
  readonly file: LedgerFile | undefined;
}

/** The backfill of one data directory, which it holds as a run does. */
export class Backfill {
  readonly #options: BackfillOptions;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #hasState: boolean;
  readonly #column: BackfilledColumn;
  /** What an unfinished commit, join or write had left. */
  readonly removed: readonly RemovedFile[];
  /** The bit of `issues` that the column has. */
  readonly issueBit: number;

  private constructor(
    options: BackfillOptions,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    opened: Pick<Backfill, 'removed' | 'issueBit'> & { readonly hasState: boolean },
  ) {
    this.#options = options;
    this.#instance = instance;
    this.#connection = connection;
    this.#hasState = opened.hasState;
    this.removed = opened.removed;
    this.issueBit = opened.issueBit;
    this.#column = new BackfilledColumn(options.column, opened.issueBit);
  }

  /** Does what a start does: brings the tables in line with the spec. @throws SluiceError as `openDirectory` */
  static async open(options: BackfillOptions): Promise<Backfill> {
    const instance = await openDatabase(databasePath(options.dataDir), options);
    const connection = await instance.connect();
    try {
      const { removed, issueBits } = await openDirectory(connection, options);
      const issueBit = issueBits[options.spec.columns.indexOf(options.column)];
      const [{ has_state }] = await rowsOf(connection, HAS_STATE);
      return new Backfill(options, instance, connection, { removed, issueBit, hasState: has_state === true });
    } catch (thrown) {
      connection.closeSync();
      instance.closeSync();
      throw sinkError(thrown, 'the data directory cannot be opened');
    }
  }

  /** By partition and offset. */
  async places(): Promise<BackfillPlace[]> {
    const files = (await rowsOf(this.#connection, LEDGER_FILES)).map(ledgerFile);
    const places: BackfillPlace[] = files.map((file) => ({ ...file, file }));
    if (!(await hasRetention(this.#connection))) return places;
    const left = (await rowsOf(this.#connection, RETIRED_RANGES)).map(ledgerRange);
    return [...places, ...left.map((range) => ({ ...range, file: undefined }))];
  }

  /** What rows without a value have in `extra` where the column's fields may be, a page at a time in offset order. */
  extras(place: BackfillPlace): AsyncGenerator<readonly KeptExtra[]> {
    return this.#column.extras(this.#connection, this.#source(place), place, this.#options.pageBytes);
  }

  /**
   * Commits what was read of a place.
   * @param paths files of `extraSpec` with the rows of the pages; they can go then
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_SINK; of what was not committed nothing has changed
   */
  async commit(place: BackfillPlace, paths: readonly string[]): Promise<Backfilled> {
    const read = this.#changed(place, paths);
    const [{ taken }] = await rowsOf(this.#connection, `SELECT count(*) AS taken FROM ${read}`);
    if (taken === 0n) return { values: 0, issues: 0 };
    let file: ParquetFile | undefined;
    let counts: Backfilled;
    try {
      await this.#run('BEGIN');
      counts = await this.#count(place, read);
      await this.#countIssues(place, read);
      // The table last: of rows without a file it says what has changed.
      if (this.#hasState) await this.#update('sluice.state', place, read);
      await this.#update(identifier(this.#options.spec.table), place, read);
      if (place.file !== undefined) file = await this.#stage(place.file, read);
    } catch (thrown) {
      await this.#run('ROLLBACK').catch(() => {});
      if (file !== undefined) withdraw([{ ...file, path: file.tempPath }]);
      throw sinkError(thrown, `rows of partition ${place.partition} cannot be backfilled`);
    }
    try {
      await this.#run('COMMIT');
      if (file !== undefined) {
        renameSync(file.tempPath, file.path);
        sync(dirname(file.path));
      }
    } catch (thrown) {
      throw sinkError(thrown, 'a backfill cannot be committed; the next start finishes or undoes it');
    }
    return counts;
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  /** SQL: the rows of a place, with the spec's columns, which files that are older do not have. */
  #source({ file }: BackfillPlace): string {
    const table = identifier(this.#options.spec.table);
    if (file === undefined) return table;
    return `(FROM ${table} WHERE false UNION ALL BY NAME FROM ${parquet([join(this.#options.dataDir, file.name)])})`;
  }

  /** SQL: the rows that were read and are not as they were. */
  #changed(place: BackfillPlace, paths: readonly string[]): string {
    return `(SELECT r.* FROM ${parquet(paths)} r JOIN ${this.#source(place)} t
      ON t.kafka_partition = ${place.partition} AND t.kafka_offset = r.kafka_offset
      WHERE ${this.#column.isChanged})`;
  }

  async #count({ partition, start, next }: BackfillPlace, read: string): Promise<Backfilled> {
    const [{ values, issues }] = await rowsOf(
      this.#connection,
      `SELECT count(*) FILTER (r.issues = 0 AND (${this.#column.hasValue})) AS "values",
         count(*) FILTER (r.issues <> 0) AS issues
       FROM ${read} r SEMI JOIN (SELECT kafka_offset FROM ${identifier(this.#options.spec.table)}
         WHERE kafka_partition = ${partition} AND kafka_offset >= ${start} AND kafka_offset < ${next})
       USING (kafka_offset)`,
    );
    return { values: Number(values), issues: Number(issues) };
  }

  /** Rows of a batch that had no issue and have one now. Of a file that has left, the table's rows are counted. */
  async #countIssues(place: BackfillPlace, read: string): Promise<void> {
    await this.#run(
      `UPDATE sluice.batches b SET rows_with_issues = rows_with_issues + (
         SELECT count(*) FROM ${read} r JOIN ${this.#source(place)} t USING (kafka_partition, kafka_offset)
         WHERE r.issues <> 0 AND t.issues = 0 AND kafka_offset >= b.start_offset AND kafka_offset < b.next_offset)
       WHERE topic = ${literal(this.#options.topic)} AND partition_id = ${place.partition}
         AND start_offset >= ${place.start} AND next_offset <= ${place.next}`,
    );
  }

  async #update(table: string, { partition }: BackfillPlace, read: string): Promise<void> {
    const values = this.#column.names.map((name) => `${name} = coalesce(r.${name}, t.${name})`).join(', ');
    await this.#run(
      `UPDATE ${table} t SET ${values}, extra = r.extra, issues = t.issues | r.issues FROM ${read} r
       WHERE t.kafka_partition = ${partition} AND t.kafka_offset = r.kafka_offset`,
    );
  }

  /** Writes the file with the values, and its size into the ledger. */
  async #stage(known: LedgerFile, read: string): Promise<ParquetFile> {
    const { dataDir, topic } = this.#options;
    const values = this.#column.names.map((name) => `coalesce(r.${name}, t.${name}) AS ${name}`).join(', ');
    const replaced = (rows: string) => `(SELECT t.* REPLACE (${values}, t.issues | coalesce(r.issues, 0) AS issues,
        CASE WHEN r.kafka_offset IS NULL THEN t.extra ELSE r.extra END AS extra)
      FROM ${rows} t LEFT JOIN ${read} r ON t.kafka_offset = r.kafka_offset)`;
    const path = join(dataDir, known.name);
    const file = await stageOfOtherSize(path, known.bytes, (tempPath, mark) => {
      const added = { paths: [], metadata: new Map([['sluice.backfilled', mark]]), replaced };
      return writeJoinedFile(this.#connection, this.#options, [known], tempPath, added);
    });
    sync(dirname(path));
    await this.#run(
      `UPDATE sluice.batches SET file_bytes = ${file.bytes} WHERE topic = ${literal(topic)}
         AND partition_id = ${known.partition} AND file = ${literal(known.name)}`,
    );
    return file;
  }

  async #run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }
}
