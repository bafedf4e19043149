/**
 * Which partitions this process holds, where each of them starts and ends, and whether it holds all of them.
 *
 * The positions in the sink are the truth: every assignment starts from them, never from the group's offsets, which
 * only serve a partition that the sink does not know yet.
 */
import { SluiceError } from './errors.js';
import type { PartitionStart, Sink, SinkPosition } from './flow.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';
import type { OffsetRange, Source } from './source.js';

export interface AssignmentOptions {
  readonly topic: string;
  readonly startFrom: 'earliest' | 'latest';
  readonly lateAfterMs: number;
  readonly untilEnd: boolean;
}

export interface AssignmentParts {
  readonly source: Source;
  readonly sink: Sink;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** How long a process that had the topic to itself waits for an intruder to leave: a session timeout, and some more. */
const INTRUDER_GRACE_MS = 60_000;
/** A partition without a commit for this long does not hold back the pipeline's watermark. */
const IDLE_AFTER_MS = 60_000;

interface PartitionState extends SinkPosition {
  committedAtMs: number;
}

export class Assignment {
  readonly #options: AssignmentOptions;
  readonly #parts: AssignmentParts;
  /** Every partition that the sink knows. */
  readonly #known = new Map<number, PartitionState>();
  #assigned: readonly number[] = [];
  #complete = false;
  #wasComplete = false;
  #intrudedAtMs: number | undefined;
  #ends: Map<number, number> | undefined;

  constructor(options: AssignmentOptions, parts: AssignmentParts) {
    this.#options = options;
    this.#parts = parts;
  }

  get partitions(): readonly number[] {
    return this.#assigned;
  }

  /** All partitions of the topic are assigned. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Where the run stops in a partition; undefined where it does not. */
  endOffset(partition: number): number | undefined {
    return this.#ends?.get(partition);
  }

  /** With `untilEnd`: all partitions were read up to their ends. */
  reachedEnd(nextOffset: (partition: number) => number | undefined): boolean {
    if (this.#ends === undefined || !this.#complete) return false;
    return [...this.#ends].every(([partition, end]) => (nextOffset(partition) ?? -1) >= end);
  }

  /** Takes the sink's positions over at start. */
  restore(positions: readonly SinkPosition[]): void {
    for (const position of positions) this.#note(position);
  }

  /**
   * Resolves where to start reading.
   * @returns the start of each partition; empty while another member of the group holds some of the topic
   * @throws SluiceError SLUICE_NOT_ALONE, SLUICE_OFFSET_GONE
   */
  async assign(partitions: readonly number[]): Promise<Map<number, number>> {
    const { source, log } = this.#parts;
    const { topic } = this.#options;
    const all = await source.partitionCount();
    this.#complete = partitions.length === all;
    if (!this.#complete) {
      if (!this.#wasComplete) throw this.#notAlone(partitions.length, all);
      this.#intrudedAtMs ??= performance.now();
      log.warn(
        { assigned: partitions.length, partitions: all },
        `another member of the group reads ${topic}: waiting for it to leave`,
      );
      return new Map();
    }
    this.#wasComplete = true;
    this.#intrudedAtMs = undefined;
    const ranges = await this.#ranges(partitions);
    await this.#initPositions(
      partitions.filter((partition) => !this.#known.has(partition)),
      ranges,
    );
    const positions = new Map<number, number>();
    for (const partition of partitions) {
      const { nextOffset } = this.#known.get(partition)!;
      this.#checkInRange(partition, nextOffset, ranges.get(partition)!);
      positions.set(partition, nextOffset);
    }
    if (this.#options.untilEnd) this.#ends ??= new Map([...ranges].map(([partition, { high }]) => [partition, high]));
    this.#assigned = partitions;
    log.info({ partitions: partitions.length, positions: Object.fromEntries(positions) }, `reading ${topic}`);
    return positions;
  }

  revoke(): void {
    this.#assigned = [];
    this.#complete = false;
    this.#parts.source.unassign();
  }

  /** @throws SluiceError SLUICE_NOT_ALONE when an intruder stays */
  checkAlone(): void {
    if (this.#intrudedAtMs === undefined || performance.now() - this.#intrudedAtMs < INTRUDER_GRACE_MS) return;
    throw this.#notAlone(this.#assigned.length, undefined);
  }

  /** @throws SluiceError SLUICE_OFFSET_GONE when Kafka no longer has what is to be read next */
  async checkPositions(nextOffset: (partition: number) => number | undefined): Promise<void> {
    const ranges = await this.#ranges(this.#assigned);
    for (const [partition, range] of ranges) {
      const next = nextOffset(partition);
      if (next !== undefined) this.#checkInRange(partition, next, range);
    }
  }

  /** Notes what a transaction committed, and tells the group as a courtesy. */
  committed(positions: readonly SinkPosition[]): void {
    for (const position of positions) this.#note(position);
    this.#parts.source.commit(new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset])));
  }

  /** Brings the gauges per partition up to date. */
  refreshMetrics(): void {
    const { metrics, source } = this.#parts;
    const nowMs = performance.now();
    let lowest = Number.POSITIVE_INFINITY;
    for (const { partition, nextOffset, watermark, committedAtMs } of this.#known.values()) {
      metrics.position.set({ partition }, nextOffset);
      metrics.lag.set({ partition }, source.lag(partition, nextOffset));
      if (watermark === undefined) continue;
      const seconds = Number(watermark) / 1e6 - this.#options.lateAfterMs / 1e3;
      metrics.watermark.set({ partition }, seconds);
      if (nowMs - committedAtMs < IDLE_AFTER_MS) lowest = Math.min(lowest, seconds);
    }
    if (Number.isFinite(lowest)) metrics.pipelineWatermark.set(lowest);
  }

  #note(position: SinkPosition): void {
    this.#known.set(position.partition, { ...position, committedAtMs: performance.now() });
  }

  async #ranges(partitions: readonly number[]): Promise<Map<number, OffsetRange>> {
    const ranges = await Promise.all(partitions.map((partition) => this.#parts.source.offsetRange(partition)));
    return new Map(partitions.map((partition, index) => [partition, ranges[index]]));
  }

  async #initPositions(partitions: readonly number[], ranges: ReadonlyMap<number, OffsetRange>): Promise<void> {
    if (partitions.length === 0) return;
    const { source, sink } = this.#parts;
    const committed = await source.committed(partitions);
    // A partition that comes later is new: whatever is in it came after we started to read the topic.
    const isFirst = this.#known.size === 0;
    const starts = partitions.map((partition): PartitionStart => {
      const { low, high } = ranges.get(partition)!;
      const offset = committed.get(partition);
      if (offset !== undefined) return { partition, nextOffset: offset, reason: 'group' };
      if (!isFirst) return { partition, nextOffset: low, reason: 'new_partition' };
      const { startFrom } = this.#options;
      return { partition, nextOffset: startFrom === 'latest' ? high : low, reason: startFrom };
    });
    await sink.initPositions(starts);
    for (const { partition, nextOffset } of starts) {
      this.#note({ partition, nextOffset, leaderEpoch: undefined, watermark: undefined });
    }
  }

  #checkInRange(partition: number, nextOffset: number, { low, high }: OffsetRange): void {
    if (nextOffset >= low && nextOffset <= high) return;
    const { topic } = this.#options;
    const why =
      nextOffset < low
        ? 'the messages between were deleted before they were read (retention)'
        : 'the topic was truncated or made anew';
    throw new SluiceError(
      'SLUICE_OFFSET_GONE',
      `${topic} partition ${partition}: the position ${nextOffset} is outside of what Kafka has, ${low} to ${high}: ` +
        `${why}. Nothing was skipped; move the data directory away to start anew from START_FROM`,
    );
  }

  #notAlone(assigned: number, all: number | undefined): SluiceError {
    const { topic } = this.#options;
    const share = all === undefined ? `only ${assigned} partitions` : `${assigned} of ${all} partitions`;
    return new SluiceError(
      'SLUICE_NOT_ALONE',
      `the group gives this process ${share} of ${topic}: another member reads the rest. One data directory has one ` +
        'process; stop the other one, or give this one a KAFKA_GROUP_ID of its own. Spreading a topic over processes ' +
        'needs a shared lake as sink',
    );
  }
}
