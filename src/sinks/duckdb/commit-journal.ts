/**
 * The commit journal `DATA_DIR/commit.json`: the files of the commit that is under way. It is there from before the
 * first file gets its final name until the transaction is committed, so that a start can tell the files of the one
 * commit that a crash interrupted from files that the database has lost.
 *
 *   write temporary files ─▶ journal, durably ─▶ final names ─▶ COMMIT ─▶ remove the journal
 *
 * The removal need not be durable: a journal whose commit the database has explains nothing.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sync, temporaryPath } from '../../storage/data-dir.js';

const NAME = 'commit.json';
const VERSION = 1;

/** The commit that is under way. */
export interface CommitJournal {
  /** The number that the commit gets in the ledger: one more than the last. */
  readonly commit: number;
  /** Relative to the data directory. */
  readonly files: readonly string[];
}

/** Writes the journal, durably. @throws when the file system does */
export function writeJournal(dataDir: string, { commit, files }: CommitJournal): void {
  const path = join(dataDir, NAME);
  const temporary = temporaryPath(path);
  writeFileSync(temporary, JSON.stringify({ version: VERSION, commit, files }));
  sync(temporary);
  renameSync(temporary, path);
  sync(dataDir);
}

/** @returns undefined if it is missing or this version cannot read it: then it explains nothing */
export function readJournal(dataDir: string): CommitJournal | undefined {
  try {
    const journal = JSON.parse(readFileSync(join(dataDir, NAME), 'utf8')) as CommitJournal & { version: number };
    return journal.version === VERSION ? { commit: journal.commit, files: journal.files } : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the journal of a commit that took effect, or of which nothing is left. */
export function removeJournal(dataDir: string): void {
  const path = join(dataDir, NAME);
  for (const name of [path, temporaryPath(path)]) rmSync(name, { force: true });
}
