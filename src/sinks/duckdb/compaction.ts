/**
 * Joins neighbouring small Parquet files of a partition: a quiet topic makes a file per partition and flush interval.
 *
 *   1. COPY  the neighbours, in offset order, into one file under a temporary name; fsync, rename
 *   2. swap  one transaction: the ledger rows of all their batches name the new file
 *   3. remove the old files
 *
 * The rows stay the same, only their files change. Killed before the swap, the new file is one that the ledger does not
 * name; killed after it, the old ones are. Their offsets are all in other files of the ledger: the next start removes
 * them.
 */
import { rmSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { BATCH_STAT_LIST } from '../../core/batch-stats.js';
import { sinkError } from '../../core/errors.js';
import type { CompactionReceipt } from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import { copyToParquet } from '../../parquet/parquet-copy.js';
import { MAX_ROW_GROUP_ROWS, type ParquetCompression } from '../../parquet/parquet-writer.js';
import { stageFile } from '../../storage/staged-file.js';
import { LEDGER_FILES, type LedgerFile, ledgerFile } from './ledger-files.js';
import { publish, withdraw } from './recovery.js';
import type { CompactionSettings } from './settings.js';

export interface CompactionOptions extends CompactionSettings {
  readonly compression: ParquetCompression;
}

/** SQL: what the metadata of a joined file says of the counters that are in the ledger. */
const SUMS = BATCH_STAT_LIST.flatMap(([, { ledger, metadata }]) =>
  ledger === undefined || metadata === undefined ? [] : [`sum(${ledger.column}) AS ${metadata}`],
).join(', ');

/** A row group is held in memory while it is written, beside what commits need. */
const ROW_GROUP_BYTES = 32 << 20;
const MIN_ROW_GROUP_ROWS = 2048;

/**
 * Which neighbours to join. Files of about as many batches are joined, more than `afterFiles` of them, so that a row is
 * copied once per size class and not each time that something came after it; or fewer, if they fill a target file.
 * @param files of one topic, by partition and start
 * @param everything joins whatever two neighbours fit one target file
 */
export function planCompaction(
  files: readonly LedgerFile[],
  { afterFiles, targetBytes }: Pick<CompactionOptions, 'afterFiles' | 'targetBytes'>,
  everything = false,
): LedgerFile[][] {
  const sizeClass = ({ batches }: LedgerFile) =>
    everything ? 0 : Math.floor(Math.log(batches) / Math.log(afterFiles + 1) + 1e-9);
  const groups: LedgerFile[][] = [];
  let group: LedgerFile[] = [];
  let bytes = 0;
  const close = (isFull: boolean) => {
    if (group.length > (everything || isFull ? 1 : afterFiles)) groups.push(group);
    group = [];
    bytes = 0;
  };
  for (const file of files) {
    const last = group.at(-1);
    const isNeighbour = last?.partition === file.partition && sizeClass(last) === sizeClass(file);
    if (!isNeighbour) close(false);
    else if (bytes + file.bytes > targetBytes) close(true);
    group.push(file);
    bytes += file.bytes;
  }
  close(false);
  return groups;
}

/** The compaction of one open database, on a connection of its own: commits continue beside it. */
export class Compaction {
  readonly #connection: DuckDBConnection;
  readonly #dataDir: string;
  readonly #topic: string;
  readonly #options: CompactionOptions;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;

  private constructor(connection: DuckDBConnection, dataDir: string, topic: string, options: CompactionOptions) {
    this.#connection = connection;
    this.#dataDir = dataDir;
    this.#topic = topic;
    this.#options = options;
  }

  static async open(instance: DuckDBInstance, dataDir: string, topic: string, options: CompactionOptions) {
    return new Compaction(await instance.connect(), dataDir, topic, options);
  }

  /**
   * Joins what there is to join.
   * @param everything see planCompaction
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_SINK; what was joined before counts, and nothing is lost
   */
  run(everything = false): Promise<CompactionReceipt> {
    const run = this.#running.then(() => this.#run(everything));
    this.#running = run.catch(() => {});
    return run;
  }

  /** Gives up what is under way, which loses nothing. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#connection.interrupt();
    await this.#running;
    this.#connection.closeSync();
  }

  async #run(everything: boolean): Promise<CompactionReceipt> {
    const receipt = { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0 };
    try {
      const files = (await rowsOf(this.#connection, LEDGER_FILES)).map(ledgerFile);
      for (const group of planCompaction(files, this.#options, everything)) {
        if (this.#stopped) break;
        receipt.bytesAfter += await this.#join(group);
        receipt.filesAfter += 1;
        receipt.filesBefore += group.length;
        receipt.bytesBefore += group.reduce((sum, { bytes }) => sum + bytes, 0);
      }
    } catch (thrown) {
      if (!this.#stopped) throw thrown;
    }
    return receipt;
  }

  /** @returns the bytes of the new file */
  async #join(group: readonly LedgerFile[]): Promise<number> {
    const path = joinedPath(this.#dataDir, group);
    const failure = `${group.length} Parquet files cannot be joined into ${path}`;
    const file = await stageFile(path, (tempPath) => this.#copy(group, tempPath), failure);
    try {
      publish([file]);
    } catch (thrown) {
      withdraw([file]);
      throw thrown;
    }
    try {
      await this.#swap(group, relative(this.#dataDir, path), file.bytes);
    } catch (thrown) {
      // A COMMIT that failed may still be in the log: both stay, and the next start asks the ledger.
      throw sinkError(thrown, `the ledger cannot name ${path}`);
    }
    for (const { name } of group) rmSync(join(this.#dataDir, name), { force: true });
    return file.bytes;
  }

  async #copy(group: readonly LedgerFile[], path: string): Promise<void> {
    const list = group.map(({ name }) => literal(join(this.#dataDir, name))).join(', ');
    const [{ rows, bytes }] = await rowsOf(
      this.#connection,
      `SELECT sum(num_values)::DOUBLE / count(DISTINCT path_in_schema) AS rows,
       sum(total_uncompressed_size)::DOUBLE AS bytes FROM parquet_metadata([${list}])`,
    );
    const rowGroupRows = Math.floor((ROW_GROUP_BYTES * Number(rows)) / Number(bytes));
    const metadata = await this.#metadata(group, list);
    const relation = `read_parquet([${list}], union_by_name = true, hive_partitioning = false)`;
    await copyToParquet(this.#connection, relation, path, {
      compression: this.#options.compression,
      metadata,
      rowGroupRows: Math.max(MIN_ROW_GROUP_ROWS, Math.min(MAX_ROW_GROUP_ROWS, rowGroupRows)),
    });
  }

  /** What a new database could be made from: of batches without rows, nothing but these sums is in any file. */
  async #metadata(group: readonly LedgerFile[], list: string): Promise<Map<string, string>> {
    const [{ partition, start }, { next }] = [group[0], group[group.length - 1]];
    const [counts] = await rowsOf(
      this.#connection,
      `SELECT sum(rows_merged + rows_duplicate + rows_marker) AS messages_ok, ${SUMS}
       FROM sluice.batches WHERE topic = ${literal(this.#topic)} AND partition_id = ${partition}
         AND start_offset >= ${start} AND next_offset <= ${next}`,
    );
    const [known] = await rowsOf(
      this.#connection,
      `SELECT max(value) FILTER (key = 'sluice.leader_epoch') AS leader_epoch,
         CASE WHEN count(*) FILTER (key = 'sluice.format') = ${group.length}
           THEN min(value) FILTER (key = 'sluice.format') END AS format
       FROM (SELECT decode(key) AS key, try_cast(decode(value) AS INTEGER) AS value
         FROM parquet_kv_metadata([${list}]))`,
    );
    const values = { topic: this.#topic, partition, start_offset: start, next_offset: next, ...counts, ...known };
    return new Map(
      Object.entries(values).flatMap(([key, value]) => (value === null ? [] : [[`sluice.${key}`, String(value)]])),
    );
  }

  async #swap(group: readonly LedgerFile[], name: string, bytes: number): Promise<void> {
    const members = group.map((file) => literal(file.name)).join(', ');
    await this.#connection.run(
      `UPDATE sluice.batches SET file = ${literal(name)}, file_bytes = ${bytes}
       WHERE topic = ${literal(this.#topic)} AND partition_id = ${group[0].partition} AND file IN (${members})`,
    );
  }
}

function joinedPath(dataDir: string, group: readonly LedgerFile[]): string {
  const [start] = basename(group[0].name).split('-');
  const [, next] = basename(group[group.length - 1].name).split('-');
  return join(dataDir, dirname(group[0].name), `${start}-${next}`);
}
