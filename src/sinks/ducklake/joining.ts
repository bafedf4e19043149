/** Makes small files of a lake, and those with deleted rows, anew. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { rowsOf } from '../../core/sql.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import type { BesideCommits } from './beside-commits.js';
import { filesByTable } from './current-files.js';
import { LAKE } from './lake.js';
import { isLakeConflict } from './lake-errors.js';
import type { NumberedChanges } from './numbered-changes.js';

export interface JoiningOptions {
  /** Of all files, without a slash at the end. */
  readonly dataPath: string;
  readonly compaction: CompactionOptions;
}

/** Files are joined with those of about their size, so that a row is copied a few times at most. */
const SIZE_STEPS = [64, 8, 1];
/** Share of deleted rows from which on a file is rewritten whatever its size. */
export const MUCH_DELETED = 0.25;

/** Files of the quarantine stay so long after a commit of another process came before they were done. */
const QUARANTINE_PAUSE_MS = 600_000;

/** As DuckLake's functions take it. */
export const QUARANTINE = `'quarantine', schema => 'sluice'`;
/** Made as a whole. */
const STATE = `'state', schema => 'sluice'`;

/**
 * By DuckLake's own functions. Rows of the quarantine are deleted when they are replayed; where they are in files,
 * DuckLake does not see that a file was made anew meanwhile, and so that is numbered as a commit is.
 */
export class Joining {
  readonly #options: JoiningOptions;
  readonly #connection: DuckDBConnection;
  readonly #beside: BesideCommits;
  readonly #numbered: NumberedChanges;
  /** From when on files of the quarantine are looked at. */
  #quarantineMs = performance.now();
  /** Files of which the catalog has deleted rows were rewritten. */
  #areInlinedDone = false;

  constructor(options: JoiningOptions, connection: DuckDBConnection, beside: BesideCommits, numbered: NumberedChanges) {
    this.#options = options;
    this.#connection = connection;
    this.#beside = beside;
    this.#numbered = numbered;
  }

  /** Rewrites all files that have deleted rows, also where the catalog has these. @returns how many they were */
  async rewriteAll(): Promise<number> {
    let rewritten = 0;
    for (const table of (await filesByTable(this.#connection, this.#options.dataPath)).keys()) {
      rewritten += await this.rewrite(table, 0);
    }
    return rewritten;
  }

  /** @param threshold the share of deleted rows from which on @returns how many files it rewrote */
  async rewrite(table: string, threshold: number): Promise<number> {
    const call = `CALL ducklake_rewrite_data_files('${LAKE}', ${table}, delete_threshold => ${threshold})`;
    let files = 0;
    await this.#change(table, async () => {
      const rows = await rowsOf(this.#connection, call);
      files = rows.reduce((sum, { files_processed }) => sum + Number(files_processed), 0);
    });
    return files;
  }

  /** @returns whether there was something to join or rewrite @throws what failed; what was done before counts */
  async join(everything: boolean): Promise<boolean> {
    const { afterFiles, targetBytes } = this.#options.compaction;
    if (afterFiles === 0 && !everything) return false;
    const isMany = (count: number) => count > (everything ? 1 : afterFiles);
    let isChanged = false;
    const isLeft = (table: string) => table === QUARANTINE && !everything && performance.now() < this.#quarantineMs;
    for (const [table, files] of await filesByTable(this.#connection, this.#options.dataPath)) {
      if (isLeft(table)) continue;
      const small = files.filter(({ bytes, deleted }) => deleted > 0 && bytes < targetBytes);
      const threshold = small.length > 0 && (everything || isMany(small.length)) ? 0 : MUCH_DELETED;
      // Rows that the catalog has as deleted are not counted. A backfill leaves some, and so did earlier versions.
      const mayBeInlined = table !== QUARANTINE && (everything || !this.#areInlinedDone);
      if (!mayBeInlined && !files.some(({ deleted, rows }) => deleted > 0 && deleted >= threshold * rows)) continue;
      if ((await this.rewrite(table, threshold)) > 0) isChanged = true;
    }
    this.#areInlinedDone = true;
    for (const step of SIZE_STEPS) {
      const below = Math.floor(targetBytes / step);
      for (const [table, files] of await filesByTable(this.#connection, this.#options.dataPath)) {
        const small = files.filter(({ bytes, deleted }) => deleted === 0 && bytes < below);
        if (table === STATE || isLeft(table) || !isMany(small.length)) continue;
        const call = `ducklake_merge_adjacent_files('${LAKE}', ${table}, max_file_size => ${below})`;
        await this.#change(table, () => this.#connection.run(`CALL ${call}`));
        isChanged = true;
      }
    }
    return isChanged;
  }

  /** A transaction that makes files of a table anew. */
  async #change(table: string, work: () => Promise<unknown>): Promise<void> {
    if (table !== QUARANTINE) return await this.#beside.write(work);
    try {
      await this.#numbered.run(() => this.#beside.durably(work));
    } catch (thrown) {
      if (isLakeConflict(thrown)) this.#quarantineMs = performance.now() + QUARANTINE_PAUSE_MS;
      throw thrown;
    }
  }
}
