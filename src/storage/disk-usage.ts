/** How much of a disk a process takes, and how much is left: for its metrics. */
import { statfsSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How old a file is at most; each file is of one of them. */
export const FILE_AGES = { '1h': 3600e3, '1d': 86_400e3, '7d': 7 * 86_400e3, older: Number.POSITIVE_INFINITY } as const;
export type FileAge = keyof typeof FILE_AGES;

/** Files of an age. */
export interface FileUsage {
  readonly age: FileAge;
  readonly files: number;
  readonly bytes: number;
}

export interface DiskUsage {
  /** What is left for this process on the disk of its data directory; undefined if it cannot be asked. */
  readonly freeBytes: number | undefined;
  /** Of the database or the catalog; undefined if it is in no file here. */
  readonly databaseBytes: number | undefined;
  readonly walBytes: number | undefined;
  /** The Parquet files as they were a while ago, by age; undefined if they were not counted yet, or cannot be. */
  readonly parquet: readonly FileUsage[] | undefined;
}

export interface DiskPlaces {
  readonly dataDir: string;
  /** A DuckDB file; undefined if it is in a server. */
  readonly database: string | undefined;
  /** The folder of the Parquet files, or what counts them where a catalog knows them. */
  readonly files: string | (() => Promise<readonly FileUsage[]>);
}

/** Files are counted at most this often, and for at most a twentieth of the time. */
const COUNT_INTERVAL_MS = 60_000;
const COUNT_PAUSES = 20;
const MAX_PAUSE_MS = 600_000;

export class DiskWatch {
  readonly #places: DiskPlaces;
  #parquet: readonly FileUsage[] | undefined;
  #nextCountMs = 0;
  #counting: Promise<void> | undefined;

  constructor(places: DiskPlaces) {
    this.#places = places;
  }

  /** What is known now. Has the files counted anew beside other work, if that is due. */
  look(nowMs: number = performance.now()): DiskUsage {
    const { dataDir, database, files } = this.#places;
    if (this.#counting === undefined && nowMs >= this.#nextCountMs) {
      const count = typeof files === 'string' ? () => parquetUsage(files, Date.now()) : files;
      this.#counting = this.#count(count, nowMs);
    }
    return {
      freeBytes: freeBytes(dataDir),
      databaseBytes: database && sizeOf(database),
      // DuckDB has none after a checkpoint.
      walBytes: database && (sizeOf(`${database}.wal`) ?? 0),
      parquet: this.#parquet,
    } as DiskUsage;
  }

  /** Waits for a count that is under way. */
  async counted(): Promise<void> {
    await this.#counting;
  }

  async #count(count: () => Promise<readonly FileUsage[]>, startMs: number): Promise<void> {
    const beganMs = performance.now();
    // What cannot be read has no numbers: what writes to it says why.
    this.#parquet = await count().catch(() => undefined);
    const tookMs = performance.now() - beganMs;
    // It may have waited for the queries of others.
    const pauseMs = Math.min(COUNT_PAUSES * tookMs, MAX_PAUSE_MS);
    this.#nextCountMs = startMs + Math.max(COUNT_INTERVAL_MS, pauseMs);
    this.#counting = undefined;
  }
}

/** One file at a time: the event loop and the threads for native work have others to serve. */
async function parquetUsage(folder: string, nowMs: number): Promise<FileUsage[]> {
  const ages = Object.entries(FILE_AGES) as [FileAge, number][];
  const usage = ages.map(([age]) => ({ age, files: 0, bytes: 0 }));
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.parquet')) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    // It was joined with others meanwhile.
    if (found === undefined) continue;
    const index = ages.findIndex(([, limitMs]) => nowMs - found.mtimeMs < limitMs);
    usage[index].files++;
    usage[index].bytes += found.size;
  }
  return usage;
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** What is left for this process on a folder's disk; undefined if it cannot be asked. */
export function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
