/** What the transaction of a commit group does, but for its BEGIN and COMMIT. */
import { relative } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { isOutOfMemory, SluiceError, sinkError } from '../../core/errors.js';
import { outcomeOf } from '../../core/failed-expectations.js';
import type { BatchResult, CommitReceipt, ParquetFile } from '../../core/flow.js';
import { writeJournal } from './commit-journal.js';
import { type ChangeLog, insertNew } from './duplicates.js';
import { type LedgerRow, movePositions, writeLedger, writeQuarantine } from './ledger.js';
import { publish } from './recovery.js';
import type { StagedRows } from './staged-rows.js';
import { checkWindows } from './window-checks.js';

/** Batches to be committed, in one transaction if there is memory for all of them. */
export interface CommitGroup {
  readonly staging: StagedRows;
  /** Those that are not committed. */
  readonly batches: BatchResult[];
  /** Of the transactions that took others. */
  readonly receipts: Receipt[];
}

/** One that is yet to be gathered. */
export function emptyGroup(staging: StagedRows): CommitGroup {
  return { staging, batches: [], receipts: [] };
}

/** What a transaction did. */
export type Receipt = Pick<CommitReceipt, 'positions' | 'stats' | 'failedExpectations'>;

export interface GroupTransaction {
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  /** Its number in the ledger. */
  readonly commitId: number;
  readonly log: ChangeLog;
  /** SQL: the rows of the batches. */
  readonly relation: string;
  readonly batches: readonly BatchResult[];
}

/**
 * Writes rows, quarantine, ledger and positions.
 * @returns the batches, with what became of their rows
 * @throws SluiceError SLUICE_FENCED, or DuckDB's error
 */
export async function writeGroup(
  connection: DuckDBConnection,
  { dataDir, topic, commitId, log, relation, batches }: GroupTransaction,
): Promise<BatchResult[]> {
  const written = await checkWindows(connection, log, await insertNew(connection, log, relation, batches));
  await writeQuarantine(connection, topic, batches);
  const rows = written.map(({ file, ...batch }): LedgerRow => {
    return { ...batch, kind: 'consume', file: file && { name: relative(dataDir, file.path), bytes: file.bytes } };
  });
  await writeLedger(connection, topic, commitId, rows);
  await movePositions(connection, topic, batches);
  return written;
}

/** Gives the files of the transaction their final names, which the journal explains until it is committed. */
export function publishGroup(
  { dataDir, commitId }: Pick<GroupTransaction, 'dataDir' | 'commitId'>,
  files: readonly ParquetFile[],
): void {
  if (files.length === 0) return;
  writeJournal(dataDir, { commit: commitId, files: files.map(({ path }) => relative(dataDir, path)) });
  publish(files);
}

/** The error for batches that were not written. */
export function writeError(batches: readonly BatchResult[], thrown: unknown): SluiceError {
  if (!isOutOfMemory(thrown)) return sinkError(thrown, 'a commit group cannot be written');
  const [{ partition, startOffset, nextOffset }] = batches;
  return new SluiceError(
    'SLUICE_SINK',
    `a commit of partition ${partition}, offsets ${startOffset} to ${nextOffset}, needs more memory than ` +
      'DUCKDB_MEMORY_LIMIT: raise it, or, unless it is a single message, lower BATCH_BYTES or BATCH_ROWS: ' +
      (thrown as Error).message,
    { cause: thrown },
  );
}

export function filesOf(batches: readonly BatchResult[]): ParquetFile[] {
  return batches.flatMap(({ file }) => (file === undefined ? [] : [file]));
}

/** What transactions did one after the other: positions are as the last of them left them. */
export function combineReceipts(receipts: readonly Receipt[]): Receipt {
  const positions = new Map(receipts.flatMap((receipt) => receipt.positions.map((at) => [at.partition, at])));
  return { positions: [...positions.values()], ...outcomeOf(receipts) };
}

/** Makes it empty for another group. @throws SluiceError SLUICE_SINK; what was committed stays so */
export async function clearStaging(staging: StagedRows): Promise<void> {
  try {
    await staging.clear();
  } catch (thrown) {
    throw sinkError(thrown, 'a commit group is committed, but its staging cannot be cleared').forGood();
  }
}
