/**
 * Where the Parquet files of a data directory are, and how they get there durably: written under a hidden temporary
 * name, fsynced, renamed.
 *
 *   <dataDir>/parquet/<topic>/sluice_partition=<p>/.<startOffset>-<nextOffset>.parquet.tmp
 *                                                  <startOffset>-<nextOffset>.parquet    offsets padded to 20 digits
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PARTITION_KEY } from './partition-key.js';

/**
 * Raised when the tables or files of a data directory change in a way that an older Sluice cannot write to.
 *
 *   1  the first one
 *   2  the identity of the topic, where and why a partition began, leader epochs, gaps, commits, bits of columns
 *   3  markers of snapshots have a table and a counter of their own
 */
export const FORMAT_VERSION = 3;

/** The format of a directory that something has left by its age: the ledger counts it, and knows its change ids. */
export const RETENTION_FORMAT = 4;

/** Key of a file's metadata: the schema ids that its messages name, with spaces between them. */
export const SCHEMA_IDS_KEY = 'sluice.schema_ids';

export function databasePath(dataDir: string): string {
  return join(dataDir, 'analytics.db');
}

/** Where a recovery makes a new database. */
export function recoveryFolder(dataDir: string): string {
  return join(dataDir, '.recovery');
}

/** @throws the system's error if this process may not look into the folder, or it is none */
export function hasDatabase(dataDir: string): boolean {
  try {
    statSync(databasePath(dataDir));
    return true;
  } catch (thrown) {
    // With throwIfNoEntry: false, a folder that is a file throws in Node 20 and not in 24.
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw thrown;
  }
}

/** Where all Parquet files of a topic are. */
export function topicFolder(dataDir: string, topic: string): string {
  return join(dataDir, 'parquet', topic);
}

/** Where the file of an offset range belongs. */
export function parquetPath(dataDir: string, topic: string, partition: number, start: number, next: number): string {
  const name = `${String(start).padStart(20, '0')}-${String(next).padStart(20, '0')}.parquet`;
  return join(topicFolder(dataDir, topic), `${PARTITION_KEY}=${partition}`, name);
}

/** Offsets [start, next) of a partition. */
export interface FileRange {
  readonly partition: number;
  readonly start: number;
  readonly next: number;
}

const PARQUET_NAME = /(?:^|\/)(?:sluice_)?partition=(\d+)\/(\d{20})-(\d{20})\.parquet$/;

/** What the name of a Parquet file says; undefined if Sluice does not name files so. */
export function parquetRange(path: string): FileRange | undefined {
  const match = PARQUET_NAME.exec(path);
  if (match === null) return undefined;
  return { partition: Number(match[1]), start: Number(match[2]), next: Number(match[3]) };
}

/** The temporary name of a file that is not yet counted. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`);
}

/** Makes a folder and those above it. Node's recursive `mkdir` never ends below `/proc`, which takes no folders. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
    sync(dirname(path));
  } catch (thrown) {
    // Another process or thread may have been faster.
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
}

/** Makes the content of a file, or the names in a folder, outlive a power failure. */
export function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** All files below a folder, absolute; empty if the folder does not exist. */
export function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
