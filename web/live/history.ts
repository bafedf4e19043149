/** The last minutes of a run, in series of a bounded length, made of one snapshot after the other. */
import type { Snapshot } from '../../src/http/snapshot.js';

/** Of each series: ten minutes of snapshots a second apart. */
export const MAX_POINTS = 600;

const LATENCY_MS = 60_000;

/** In the order in which they are stacked; idle time is on top. */
export const STAGES = ['consume', 'pack', 'wait', 'kernel', 'parquet', 'merge', 'idle'] as const;
export type StageName = (typeof STAGES)[number];

type Series = (number | null)[];

export class History {
  /** Seconds since the epoch. */
  readonly times: number[] = [];
  readonly eventsPerSecond: Series = [];
  readonly bytesPerSecond: Series = [];
  readonly lag: Series = [];
  /** Of DuckDB, per commit; null where there was none. */
  readonly commitSeconds: Series = [];
  /** Seconds of work per second, by stage. */
  readonly stages = Object.fromEntries(STAGES.map((stage) => [stage, [] as number[]])) as Record<StageName, number[]>;
  /** Those of the last minute, the first of which is what the others are compared with. */
  readonly #latencies: Pick<Snapshot, 'atMs' | 'latency'>[] = [];
  latest: Snapshot | undefined;

  push(snapshot: Snapshot): void {
    const before = this.latest;
    this.latest = snapshot;
    // The first has nothing to be compared with; counters that fall are of another run.
    if (before === undefined || snapshot.atMs <= before.atMs) return;
    if (this.#latencies.length === 0) this.#pushLatency(before);
    if (snapshot.events < before.events || snapshot.commits < before.commits) {
      this.#clear();
      return;
    }
    const seconds = (snapshot.atMs - before.atMs) / 1e3;
    const commits = snapshot.commits - before.commits;
    const spent = (stage: string) => (snapshot.stageSeconds[stage] ?? 0) - (before.stageSeconds[stage] ?? 0);
    this.times.push(snapshot.atMs / 1e3);
    this.eventsPerSecond.push((snapshot.events - before.events) / seconds);
    this.bytesPerSecond.push((snapshot.bytes - before.bytes) / seconds);
    this.lag.push(snapshot.lag);
    this.commitSeconds.push(commits > 0 ? spent('merge') / commits : null);
    for (const stage of STAGES) this.stages[stage].push(Math.max(0, spent(stage)) / seconds);
    this.#pushLatency(snapshot);
    if (this.times.length > MAX_POINTS) for (const series of this.#all()) series.shift();
  }

  /** Messages committed in the last minute: those up to each bound and above the one before, then the rest. */
  lastLatencies(): number[] {
    const [first, last] = [this.#latencies[0], this.#latencies.at(-1)];
    if (first === undefined || last === undefined) return [];
    const upTo = last.latency.counts.map((count, index) => count - first.latency.counts[index]);
    return upTo.map((count, index) => count - (upTo[index - 1] ?? 0));
  }

  #pushLatency({ atMs, latency }: Snapshot): void {
    this.#latencies.push({ atMs, latency });
    while (this.#latencies[0].atMs < atMs - LATENCY_MS) this.#latencies.shift();
  }

  #clear(): void {
    this.#latencies.length = 0;
    for (const series of this.#all()) series.length = 0;
  }

  #all(): (number | null)[][] {
    const { times, eventsPerSecond, bytesPerSecond, lag, commitSeconds } = this;
    return [times, eventsPerSecond, bytesPerSecond, lag, commitSeconds, ...Object.values(this.stages)];
  }
}

/** The mean of the last values that are there; undefined if none is. */
export function meanOfLast(series: readonly (number | null)[], points: number): number | undefined {
  const values = series.slice(-points).filter((value) => value !== null);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The bound that so many of the messages, a share of them, are within; undefined: there is none.
 * @param counts as `History.lastLatencies`
 */
export function boundOf(share: number, counts: readonly number[], bounds: readonly number[]): number | undefined {
  const wanted = share * counts.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  return bounds.find((_, index) => {
    sum += counts[index];
    return sum >= wanted;
  });
}

/** Means of series over spans of so many points, each with the time of its middle. */
export function inBars(times: readonly number[], series: readonly (readonly number[])[], points: number) {
  const starts: number[] = [];
  for (let start = 0; start < times.length; start++) {
    const span = Math.floor(times[start] / points);
    if (start === 0 || span !== Math.floor(times[start - 1] / points)) starts.push(start);
  }
  const means = series.map((values) =>
    starts.map((start, index) => {
      const part = values.slice(start, starts[index + 1]);
      return part.reduce((sum, value) => sum + value, 0) / part.length;
    }),
  );
  return { times: starts.map((start) => (Math.floor(times[start] / points) + 0.5) * points), means };
}
