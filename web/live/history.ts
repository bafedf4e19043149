/** The last minutes of a run, in series of a bounded length, made of one snapshot after the other. */
import type { Snapshot } from '../../src/http/snapshot.js';

/** Of each series: ten minutes of snapshots a second apart. */
export const MAX_POINTS = 600;

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
  latest: Snapshot | undefined;

  push(snapshot: Snapshot): void {
    const before = this.latest;
    this.latest = snapshot;
    // The first has nothing to be compared with; counters that fall are of another run.
    if (before === undefined || snapshot.atMs <= before.atMs) return;
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
    if (this.times.length > MAX_POINTS) for (const series of this.#all()) series.shift();
  }

  #clear(): void {
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
