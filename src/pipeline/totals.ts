import type { BatchResult, CommitReceipt } from '../core/flow.js';

/** What a run did since its start. */
export interface RunTotals {
  events: number;
  bytes: number;
  merged: number;
  duplicate: number;
  quarantined: number;
  tombstone: number;
  highValue: number;
  late: number;
  withIssues: number;
  batches: number;
  commits: number;
  /** Offsets that Kafka deleted before they were read, and that were skipped. */
  lostOffsets: number;
}

export function newTotals(): RunTotals {
  return {
    events: 0,
    bytes: 0,
    merged: 0,
    duplicate: 0,
    quarantined: 0,
    tombstone: 0,
    highValue: 0,
    late: 0,
    withIssues: 0,
    batches: 0,
    commits: 0,
    lostOffsets: 0,
  };
}

/** Adds what a transaction did. Events and bytes are counted when they are read. */
export function countCommit(totals: RunTotals, receipt: CommitReceipt, group: readonly BatchResult[]): void {
  totals.commits++;
  totals.batches += group.length;
  totals.merged += receipt.rowsMerged;
  totals.duplicate += receipt.rowsDuplicate;
  totals.quarantined += receipt.rowsQuarantined;
  for (const { counts, rowsHighValue, rowsLate, rowsWithIssues } of group) {
    totals.tombstone += counts.tombstone;
    totals.highValue += rowsHighValue;
    totals.late += rowsLate;
    totals.withIssues += rowsWithIssues;
  }
}
