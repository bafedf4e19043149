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
 *
 * Rewrites files that lack columns of the table spec, each under its name:
 *
 *   1. COPY  the file into one under its temporary name; fsync
 *   2. size  one transaction: the ledger says the size of the new file
 *   3. rename it over the old one
 *
 * Killed before the transaction, the new file is an unfinished write; killed after it, the next start renames it.
 */
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { isOutOfMemory, SluiceError, sinkError } from '../../core/errors.js';
import { type CompactionReceipt, NOTHING_COMPACTED, type ParquetFile } from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import type { ParquetCompression } from '../../parquet/parquet-writer.js';
import type { TableSpec } from '../../schema/spec.js';
import { sync } from '../../storage/data-dir.js';
import { stageFile } from '../../storage/staged-file.js';
import { lacksColumns, writeJoinedFile } from './joined-file.js';
import { LEDGER_FILES, type LedgerFile, ledgerFile } from './ledger-files.js';
import { publish, withdraw } from './recovery.js';
import type { CompactionSettings } from './settings.js';

export interface CompactionOptions extends CompactionSettings {
  readonly compression: ParquetCompression;
}

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

/** What a compaction is asked for. */
export interface CompactionWork {
  /** Joins whatever neighbours fit: see planCompaction. */
  readonly everything?: boolean;
  /** Rewrites files that lack columns of the table spec. */
  readonly rewrite?: boolean;
  /** Told how many files are joined, rewritten or left, each time that some are. */
  readonly onDone?: ((files: number) => void) | undefined;
}

export interface CompactionTarget {
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  readonly spec: TableSpec;
  readonly compaction: CompactionOptions;
}

type Counts = { -readonly [Name in Exclude<keyof CompactionReceipt, 'left' | 'removed' | 'retired'>]: number };

/** The compaction of one open database, on a connection of its own: commits continue beside it. */
export class Compaction {
  readonly #connection: DuckDBConnection;
  readonly #target: CompactionTarget;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;

  private constructor(connection: DuckDBConnection, target: CompactionTarget) {
    this.#connection = connection;
    this.#target = target;
  }

  static async open(instance: DuckDBInstance, target: CompactionTarget) {
    return new Compaction(await instance.connect(), target);
  }

  /**
   * Joins what there is to join, then rewrites. Files that cannot be read, or need more memory than there is, are left.
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_SINK; what was joined before counts, and nothing is lost
   */
  run(work: CompactionWork = {}): Promise<CompactionReceipt> {
    const run = this.#running.then(() => this.#run(work));
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

  async #run({ everything, rewrite, onDone }: CompactionWork): Promise<CompactionReceipt> {
    const counts: Counts = { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0, filesRewritten: 0 };
    const left: string[] = [];
    try {
      for (const group of planCompaction(await this.#files(), this.#target.compaction, everything)) {
        await this.#unlessLeft(left, group, () => this.#join(group, counts));
        onDone?.(group.length);
      }
      for (const file of rewrite ? await this.#files() : []) {
        await this.#unlessLeft(left, [file], () => this.#rewrite(file, counts));
        onDone?.(1);
      }
    } catch (thrown) {
      if (!this.#stopped) throw thrown;
    }
    return { ...NOTHING_COMPACTED, ...counts, left };
  }

  async #files(): Promise<LedgerFile[]> {
    return (await rowsOf(this.#connection, LEDGER_FILES)).map(ledgerFile);
  }

  /** Does the work on these files, or adds to `left` why they stay as they are. */
  async #unlessLeft(left: string[], files: readonly LedgerFile[], work: () => Promise<void>): Promise<void> {
    if (this.#stopped) return;
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof UnusableFiles) || this.#stopped) throw thrown;
      left.push(whyLeft(files, thrown.cause as Error));
    }
  }

  async #join(group: readonly LedgerFile[], counts: Counts): Promise<void> {
    const { dataDir } = this.#target;
    const path = joinedPath(dataDir, group);
    const file = await this.#stage(group, path);
    try {
      publish([file]);
    } catch (thrown) {
      withdraw([file]);
      throw thrown;
    }
    await this.#swap(group, file);
    for (const { name } of group) rmSync(join(dataDir, name), { force: true });
    counts.filesBefore += group.length;
    counts.filesAfter += 1;
    counts.bytesBefore += group.reduce((sum, { bytes }) => sum + bytes, 0);
    counts.bytesAfter += file.bytes;
  }

  async #rewrite(old: LedgerFile, counts: Counts): Promise<void> {
    try {
      if (!(await lacksColumns(this.#connection, this.#target, old))) return;
    } catch (thrown) {
      throw new UnusableFiles(thrown);
    }
    const path = join(this.#target.dataDir, old.name);
    const file = await this.#stage([old], path);
    try {
      // Once the ledger has its size, it must not be lost.
      sync(dirname(path));
      await this.#swap([old], file);
      renameSync(file.tempPath, path);
      sync(dirname(path));
    } catch (thrown) {
      throw sinkError(thrown, `${path} cannot be replaced; the next start finishes or undoes it`);
    }
    counts.filesRewritten += 1;
  }

  /** @throws UnusableFiles if it is for what the files are, or for want of memory */
  async #stage(files: readonly LedgerFile[], path: string): Promise<ParquetFile> {
    const options = { ...this.#target, ...this.#target.compaction };
    try {
      return await stageFile(path, (tempPath) => writeJoinedFile(this.#connection, options, files, tempPath));
    } catch (thrown) {
      const isOfFiles = thrown instanceof SluiceError && thrown.code === 'SLUICE_SINK';
      throw isOfFiles ? new UnusableFiles(thrown.cause) : thrown;
    }
  }

  /** The ledger names the file instead of those. */
  async #swap(group: readonly LedgerFile[], { path, bytes }: ParquetFile): Promise<void> {
    const { dataDir, topic } = this.#target;
    const members = group.map((file) => literal(file.name)).join(', ');
    try {
      await this.#connection.run(
        `UPDATE sluice.batches SET file = ${literal(relative(dataDir, path))}, file_bytes = ${bytes}
         WHERE topic = ${literal(topic)} AND partition_id = ${group[0].partition} AND file IN (${members})`,
      );
    } catch (thrown) {
      // A COMMIT that failed may still be in the log: both stay, and the next start asks the ledger.
      throw sinkError(thrown, `the ledger cannot name ${path}`);
    }
  }
}

/** Files that cannot be copied; nothing has changed. */
class UnusableFiles extends Error {
  constructor(cause: unknown) {
    super('files cannot be copied', { cause });
  }
}

/** What a log says of files that are left. */
function whyLeft(files: readonly LedgerFile[], cause: Error): string {
  const [{ name }, count] = [files[0], files.length];
  const what =
    count === 1
      ? `${name} stays as it is`
      : `${count} Parquet files, ${name} to ${basename(files[count - 1].name)}, stay as they are`;
  const [reason] = cause.message.split('\n', 1);
  const choice = isOutOfMemory(cause)
    ? 'Raise DUCKDB_MEMORY_LIMIT for "sluice compact"'
    : '"sluice verify" says which file is not whole: put it back from a copy';
  return `${what}: ${reason}. ${choice}`;
}

function joinedPath(dataDir: string, group: readonly LedgerFile[]): string {
  const [start] = basename(group[0].name).split('-');
  const [, next] = basename(group[group.length - 1].name).split('-');
  return join(dataDir, dirname(group[0].name), `${start}-${next}`);
}
