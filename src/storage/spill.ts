/**
 * Where DuckDB spills to. Two processes that share a folder overwrite each other's files, and crash: each has its own.
 * DuckDB removes what it spilled when it is closed, and leaves it when the process is killed.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PREFIX = '.spill';

/** For a process whose lock on a database does not keep others out. In a container, each has the same process id. */
export function spillFolder(dataDir: string): string {
  return join(dataDir, `${PREFIX}-${randomUUID()}`);
}

/** Those of all processes, absolute. */
export function spillFolders(dataDir: string): string[] {
  const names = existsSync(dataDir) ? readdirSync(dataDir).filter((name) => name.startsWith(PREFIX)) : [];
  return names.map((name) => join(dataDir, name));
}

/** Files that DuckDB spilled into folders, absolute, with the time (ms) of the last write. */
export function spilledFiles(folders: readonly string[]): ReadonlyMap<string, number> {
  const files = folders.filter(existsSync).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const spilled = files.filter((path) => path.startsWith('duckdb_temp_', dirname(path).length + 1));
  return new Map(spilled.map((path) => [path, lastWriteMs(path)]));
}

/**
 * Removes what killed processes have spilled: rows may be in it that are to be forgotten.
 * @param found before a database was opened: what the opening itself spills is written later
 */
export function removeSpilled(found: ReadonlyMap<string, number>): void {
  for (const [path, writtenMs] of found) {
    if (lastWriteMs(path) !== writtenMs) continue;
    rmSync(path, { force: true });
    try {
      rmdirSync(dirname(path));
    } catch {
      // It has other files.
    }
  }
}

function lastWriteMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
