import { BATCH_STAT_LIST, NO_STATS, type SummaryName } from '../core/batch-stats.js';
import { warnOfFailed } from '../core/failed-expectations.js';
import type { CommitReceipt } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Partition } from './partition.js';

/** Told of each commit. @param partitions as they were before it */
export type CommitListener = (receipt: CommitReceipt, partitions: Iterable<Partition>) => void;

/** What a run did since its start. */
export interface RunTotals extends Record<SummaryName, number> {
  events: number;
  bytes: number;
  commits: number;
  /** Offsets that Kafka deleted before they were read, and that were skipped. */
  lostOffsets: number;
}

/** Totals of a run that has done nothing yet. */
export function newTotals(): RunTotals {
  const totals = { events: 0, bytes: 0, commits: 0, lostOffsets: 0 } as RunTotals;
  addStats(totals, NO_STATS);
  return totals;
}

/** Adds what a transaction did. Events and bytes are counted when they are read. */
export function countCommit(totals: RunTotals, { stats }: CommitReceipt): void {
  totals.commits++;
  addStats(totals, stats);
}

/** Has the metrics count it, and the log say which expectations it failed. */
export function tellCommit(
  { metrics, log }: { readonly metrics: Metrics; readonly log: Pick<Logger, 'warn'> },
  receipt: CommitReceipt,
): void {
  metrics.committed(receipt);
  warnOfFailed(log, receipt);
}

function addStats(totals: RunTotals, stats: CommitReceipt['stats']): void {
  for (const [name, { summary }] of BATCH_STAT_LIST) {
    if (summary === undefined) continue;
    const key = summary as SummaryName;
    totals[key] = (totals[key] ?? 0) + Number(stats[name]);
  }
}
