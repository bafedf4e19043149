/**
 * What is counted of a batch, in one table: the worker's result, the ledger, the metrics, the run's summary, the
 * metadata of Parquet files and recovery all go through it. A new counter is a line here, and in the kernel's output if
 * the kernel counts it.
 */
import type { Status } from './flow.js';

/** How a number of a batch is combined with those of others, and where it is shown. */
export interface BatchStat {
  readonly combine: 'sum' | 'min' | 'max';
  /** Who counts it: the kernel, the worker around it, or the sink. */
  readonly by: 'kernel' | 'worker' | 'sink';
  /** Its column in `sluice.batches`. */
  readonly ledger?: { readonly column: string; readonly type: 'BIGINT' | 'DOUBLE' };
  /** The Prometheus counter that it increases. */
  readonly metric?: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  /** Its name in the summary of a run. */
  readonly summary?: string;
  /** Its key in the metadata of a Parquet file, after `sluice.`. */
  readonly metadata?: string;
  /** SQL on the rows of a Parquet file that tells which of them it counts: for recovery, if the file does not say. */
  readonly predicate?: string;
}

const count = (column: string) => ({ column, type: 'BIGINT' }) as const;
const seconds = (column: string) => ({ column, type: 'DOUBLE' }) as const;
const outcome = (name: string) => ({ name: 'sluice_rows_total', labels: { outcome: name } });
const flag = (name: string) => ({ name: 'sluice_rows_flagged_total', labels: { flag: name } });
const stage = (name: string) => ({ name: 'sluice_stage_seconds_total', labels: { stage: name } });
const reject = (status: Status) =>
  ({ combine: 'sum', by: 'kernel', metric: outcome(status), metadata: `messages_${status}` }) as const;

/** In the order of the ledger's columns. Seconds are of time, `max` and `min` are undefined without rows. */
export const BATCH_STATS = {
  messages: { combine: 'sum', by: 'worker', ledger: count('rows_consumed') },
  merged: {
    combine: 'sum',
    by: 'sink',
    ledger: count('rows_merged'),
    metric: outcome('merged'),
    summary: 'merged',
  },
  duplicate: {
    combine: 'sum',
    by: 'sink',
    ledger: count('rows_duplicate'),
    metric: outcome('duplicate'),
    summary: 'duplicate',
  },
  quarantined: {
    combine: 'sum',
    by: 'worker',
    ledger: count('rows_quarantined'),
    summary: 'quarantined',
    metadata: 'messages_quarantined',
  },
  tombstone: {
    combine: 'sum',
    by: 'kernel',
    ledger: count('rows_tombstone'),
    metric: outcome('tombstone'),
    summary: 'tombstone',
    metadata: 'messages_tombstone',
  },
  /** Rows of the batch's file that are markers of snapshots; once the sink has them, less duplicates. */
  marker: {
    combine: 'sum',
    by: 'worker',
    ledger: count('rows_marker'),
    metric: outcome('marker'),
    summary: 'marker',
  },
  rowsLate: {
    combine: 'sum',
    by: 'kernel',
    ledger: count('rows_late'),
    metric: flag('late'),
    summary: 'late',
    predicate: 'is_late',
  },
  rowsWithIssues: {
    combine: 'sum',
    by: 'kernel',
    ledger: count('rows_with_issues'),
    metric: flag('issues'),
    summary: 'withIssues',
    predicate: 'issues <> 0',
  },
  rowsHighValue: { combine: 'sum', by: 'kernel', metric: flag('high_value'), summary: 'highValue' },
  kernelSeconds: { combine: 'sum', by: 'worker', ledger: seconds('kernel_seconds'), metric: stage('kernel') },
  parquetSeconds: { combine: 'sum', by: 'worker', ledger: seconds('parquet_seconds'), metric: stage('parquet') },
  stageSeconds: { combine: 'sum', by: 'sink', ledger: seconds('stage_seconds'), metric: stage('merge') },
  /** The rows of the batch's file. */
  ok: { combine: 'sum', by: 'kernel', metadata: 'messages_ok', predicate: 'true' },
  malformed: reject('malformed'),
  not_object: reject('not_object'),
  missing_required: reject('missing_required'),
  too_large: reject('too_large'),
  kernel_trap: reject('kernel_trap'),
  not_framed: reject('not_framed'),
  unknown_schema: reject('unknown_schema'),
  expectation: reject('expectation'),
  batches: { combine: 'sum', by: 'worker', metric: { name: 'sluice_batches_total' }, summary: 'batches' },
  fileBytes: { combine: 'sum', by: 'worker', metric: { name: 'sluice_parquet_bytes_total' } },
  /** Microseconds since the epoch. */
  maxEventTime: { combine: 'max', by: 'kernel' },
  minChangeSeq: { combine: 'min', by: 'kernel' },
  maxChangeSeq: { combine: 'max', by: 'kernel' },
} as const satisfies Readonly<Record<string, BatchStat>>;

type Stats = typeof BATCH_STATS;
/** The names of the numbers of a batch. */
export type StatName = keyof Stats;
type NamesOf<Rule> = { [Name in StatName]: Stats[Name] extends Rule ? Name : never }[StatName];
type SumName = NamesOf<{ combine: 'sum' }>;
/** The names under which numbers of batches are in the summary of a run. */
export type SummaryName = Extract<Stats[StatName], { summary: string }>['summary'];

/** The numbers of a batch, or of several batches together. */
export type BatchStats = Readonly<Record<SumName, number> & Record<Exclude<StatName, SumName>, bigint | undefined>>;
/** Those that the kernel counts. */
export type KernelStats = Pick<BatchStats, NamesOf<{ by: 'kernel' }>>;

/** The table as a list. */
export const BATCH_STAT_LIST = Object.entries(BATCH_STATS) as readonly (readonly [StatName, BatchStat])[];

/** What batches come to together; nothing for none. */
export function combineStats(all: Iterable<BatchStats>): BatchStats {
  const combined = Object.fromEntries(
    BATCH_STAT_LIST.map(([name, { combine }]) => [name, combine === 'sum' ? 0 : undefined]),
  ) as Record<StatName, number | bigint | undefined>;
  for (const stats of all) {
    for (const [name, { combine }] of BATCH_STAT_LIST) {
      const [before, value] = [combined[name], stats[name]];
      if (combine === 'sum') combined[name] = (before as number) + (value as number);
      else if (before === undefined || (value !== undefined && value > before === (combine === 'max'))) {
        combined[name] = value ?? before;
      }
    }
  }
  return combined as BatchStats;
}

/** The numbers of a batch without a message. */
export const NO_STATS = combineStats([]);

/** What the kernel counted, out of an object that has it. */
export function kernelStats(counted: KernelStats): KernelStats {
  const names = BATCH_STAT_LIST.filter(([, { by }]) => by === 'kernel').map(([name]) => name as keyof KernelStats);
  return Object.fromEntries(names.map((name) => [name, counted[name]])) as KernelStats;
}
