/** What a pipeline shows of itself: health, gauges, progress line and the summary of a run are made from this. */
import type { SinkPosition } from '../core/flow.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Partition, Partitions } from './partition.js';
import type { RunTotals } from './totals.js';

export interface PartitionStatus {
  readonly partition: number;
  /** Next offset to be committed. */
  readonly position: number;
  /** Messages in the log after it. */
  readonly lag: number;
  /** How old the oldest of them is, at most; undefined if that is not known. */
  readonly lagSeconds: number | undefined;
  /** Highest committed event time less the allowed lateness, seconds since the epoch; undefined if there is none. */
  readonly watermarkSeconds: number | undefined;
  /** Nothing of it was committed for a while. */
  readonly isIdle: boolean;
}

/** A pipeline at one moment. */
export interface PipelineStatus {
  /** It has its partitions and reads them. */
  readonly ready: boolean;
  readonly partitions: readonly PartitionStatus[];
  readonly totals: Readonly<RunTotals>;
  /** Messages in the log after what was committed, of all partitions. */
  readonly lag: number;
  /** How long ago brokers said where the logs end, to which the lag is counted; undefined if they have not yet. */
  readonly lagAgeSeconds: number | undefined;
  /** Messages in the log after what was committed, of the partitions that are read. */
  readonly backlog: number;
  readonly inFlightBatches: number;
  readonly openBatches: number;
  readonly openMessages: number;
  readonly chunksInUse: number;
  /** How long nothing was committed although there was a backlog. */
  readonly stalledMs: number;
  /** How long that may be. */
  readonly maxStalledMs: number;
}

/** A partition without a commit for this long does not hold back the pipeline's watermark. */
const IDLE_AFTER_MS = 60_000;
/** Longer than pauses that end by themselves: a broker's restart, a rebalance (45 s), an open transaction (60 s). */
export const MAX_STALLED_MS = 120_000;

/** A partition as it is shown. */
export function partitionStatus(
  { number, committed, committedAtMs, uncommitted, lagSeconds }: Partition,
  lateAfterMs: number,
  nowMs: number,
): PartitionStatus {
  const { nextOffset, watermark } = committed;
  return {
    partition: number,
    position: nextOffset,
    lag: uncommitted,
    lagSeconds,
    watermarkSeconds: watermark === undefined ? undefined : Number(watermark) / 1e6 - lateAfterMs / 1e3,
    isIdle: nowMs - committedAtMs >= IDLE_AFTER_MS,
  };
}

/**
 * Why it does not work, in a sentence; undefined if it does. It works without partitions, as while no broker answers: a
 * restart, which is what health is asked for, would not bring them.
 */
export function problemOf({ backlog, stalledMs, maxStalledMs }: PipelineStatus): string | undefined {
  if (backlog === 0 || stalledMs <= maxStalledMs) return undefined;
  return `nothing was committed for ${Math.round(stalledMs / 1e3)} s, and ${backlog} messages wait`;
}

/** Brings the gauges up to date. */
export function showStatus(
  metrics: Metrics,
  { partitions, inFlightBatches, openBatches, openMessages, chunksInUse, lagAgeSeconds }: PipelineStatus,
): void {
  if (lagAgeSeconds !== undefined) metrics.lagAge.set(lagAgeSeconds);
  metrics.inFlightBatches.set(inFlightBatches);
  metrics.openBatches.set(openBatches);
  metrics.openMessages.set(openMessages);
  metrics.chunksInUse.set(chunksInUse);
  // Those of partitions that it no longer holds go.
  for (const gauge of [metrics.position, metrics.lag, metrics.lagSeconds, metrics.watermark]) gauge.reset();
  let lowest = Number.POSITIVE_INFINITY;
  for (const { partition, position, lag, lagSeconds, watermarkSeconds, isIdle } of partitions) {
    metrics.position.set({ partition }, position);
    metrics.lag.set({ partition }, lag);
    if (lagSeconds !== undefined) metrics.lagSeconds.set({ partition }, lagSeconds);
    if (watermarkSeconds === undefined) continue;
    metrics.watermark.set({ partition }, watermarkSeconds);
    if (!isIdle) lowest = Math.min(lowest, watermarkSeconds);
  }
  if (Number.isFinite(lowest)) metrics.pipelineWatermark.set(lowest);
}

/** Counts how long the messages took that a transaction committed. */
export function observeLatency(metrics: Metrics, partitions: Partitions, positions: readonly SinkPosition[]): void {
  const nowMs = Date.now();
  const ageOf = (timeMs: number) => Math.max(0, (nowMs - timeMs) / 1e3);
  for (const { partition, nextOffset } of positions) {
    const [committed] = partitions.of([partition]);
    for (const { rows, oldestMs, newestMs } of committed?.times.committed(nextOffset) ?? []) {
      metrics.latency.observe(rows, ageOf(newestMs), ageOf(oldestMs));
    }
  }
}
