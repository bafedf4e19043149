/**
 * Which partitions this process holds, and whether it holds all of them; where each starts (positions.ts) and ends.
 *
 * The positions in the sink are the truth: every assignment starts from them, never from the group's offsets, which
 * only serve a new data directory, if it is told so.
 */
import { SluiceError } from '../core/errors.js';
import type { SinkPosition, SinkState } from '../core/flow.js';
import type { ReadPosition } from '../core/source.js';
import { Positions, type PositionsOptions, type PositionsParts } from './positions.js';
import { TopicGuard } from './topic-guard.js';

export interface AssignmentOptions extends PositionsOptions {
  readonly lateAfterMs: number;
  readonly untilEnd: boolean;
}

export type AssignmentParts = PositionsParts;

/** How long a process that had the topic to itself waits for another member to leave: more than a session. */
const OTHER_MEMBER_GRACE_MS = 60_000;
/** A partition without a commit for this long does not hold back the pipeline's watermark. */
const IDLE_AFTER_MS = 60_000;

export class Assignment {
  readonly #options: AssignmentOptions;
  readonly #parts: AssignmentParts;
  readonly #guard: TopicGuard;
  readonly #positions: Positions;
  #assigned: readonly number[] = [];
  #complete = false;
  #wasComplete = false;
  #sharedSinceMs: number | undefined;
  #ends: ReadonlyMap<number, number> | undefined;

  constructor(options: AssignmentOptions, parts: AssignmentParts) {
    this.#options = options;
    this.#parts = parts;
    this.#guard = new TopicGuard(options.topic, parts);
    this.#positions = new Positions(options, parts);
  }

  get partitions(): readonly number[] {
    return this.#assigned;
  }

  /** All partitions of the topic are assigned. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Offsets that were lost and skipped since the start of the process. */
  get lostOffsets(): number {
    return this.#positions.lostOffsets;
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

  /** Takes over what the sink knows at start. */
  restore({ positions, identity }: SinkState): void {
    this.#positions.note(positions);
    this.#guard.restore(identity);
  }

  /**
   * Resolves where to start reading.
   * @returns the start of each partition; none while another member of the group holds some of the topic
   * @throws SluiceError SLUICE_TOPIC_CHANGED, SLUICE_PARTIAL_ASSIGNMENT, SLUICE_OFFSET_OUT_OF_RANGE
   */
  async assign(partitions: readonly number[]): Promise<readonly ReadPosition[]> {
    const { source, log } = this.#parts;
    const { topic, untilEnd } = this.#options;
    await this.#guard.check();
    const all = await source.partitionCount();
    this.#complete = partitions.length === all;
    if (!this.#complete) {
      if (!this.#wasComplete) throw this.#partial(partitions.length, all);
      this.#sharedSinceMs ??= performance.now();
      log.warn(
        { assigned: partitions.length, partitions: all },
        `another member of the group reads ${topic}: waiting for it to leave`,
      );
      return [];
    }
    this.#wasComplete = true;
    this.#sharedSinceMs = undefined;
    const { positions, ends } = await this.#positions.resolve(partitions);
    if (untilEnd) this.#ends ??= ends;
    this.#assigned = partitions;
    return positions;
  }

  /**
   * Resolves where to continue with the partitions that are held. Before the group has given any, the topic alone is
   * looked at: its metadata may not have reached every broker yet.
   * @throws SluiceError SLUICE_TOPIC_CHANGED, SLUICE_UNKNOWN_TOPIC, SLUICE_OFFSET_OUT_OF_RANGE
   */
  async assignAgain(): Promise<readonly ReadPosition[]> {
    if (this.#assigned.length > 0) return this.assign(this.#assigned);
    await this.#guard.check();
    return [];
  }

  revoke(): void {
    this.#assigned = [];
    this.#complete = false;
    this.#parts.source.unassign();
  }

  /** @throws SluiceError SLUICE_PARTIAL_ASSIGNMENT when another member stays */
  checkComplete(): void {
    if (this.#sharedSinceMs === undefined || performance.now() - this.#sharedSinceMs < OTHER_MEMBER_GRACE_MS) return;
    throw this.#partial(this.#assigned.length, undefined);
  }

  /** Proves that what was read so far is of the topic. @throws SluiceError SLUICE_TOPIC_CHANGED */
  confirmTopic(): Promise<void> {
    return this.#guard.confirm();
  }

  /** Whether Kafka has what is to be read next. */
  async inRange(nextOffset: (partition: number) => number | undefined): Promise<boolean> {
    const next = this.#assigned.map((partition) => [partition, nextOffset(partition)] as const);
    return this.#positions.inRange(new Map(next.filter((entry): entry is [number, number] => entry[1] !== undefined)));
  }

  /** Notes what a transaction committed, and tells the group as a courtesy. */
  committed(positions: readonly SinkPosition[]): void {
    this.#positions.note(positions);
    this.#parts.source.commit(new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset])));
  }

  /** Brings the gauges per partition up to date. */
  refreshMetrics(): void {
    const { metrics, source } = this.#parts;
    const nowMs = performance.now();
    let lowest = Number.POSITIVE_INFINITY;
    for (const { partition, nextOffset, watermark, committedAtMs } of this.#positions.known) {
      metrics.position.set({ partition }, nextOffset);
      metrics.lag.set({ partition }, source.lag(partition, nextOffset));
      if (watermark === undefined) continue;
      const seconds = Number(watermark) / 1e6 - this.#options.lateAfterMs / 1e3;
      metrics.watermark.set({ partition }, seconds);
      if (nowMs - committedAtMs < IDLE_AFTER_MS) lowest = Math.min(lowest, seconds);
    }
    if (Number.isFinite(lowest)) metrics.pipelineWatermark.set(lowest);
  }

  #partial(assigned: number, all: number | undefined): SluiceError {
    const { topic } = this.#options;
    const share = all === undefined ? `only ${assigned} partitions` : `${assigned} of ${all} partitions`;
    return new SluiceError(
      'SLUICE_PARTIAL_ASSIGNMENT',
      `the group gives this process ${share} of ${topic}: another member reads the rest. One data directory has one ` +
        'process; stop the other one, or give this one a KAFKA_GROUP_ID of its own. Spreading a topic over processes ' +
        'needs a shared lake as sink',
    );
  }
}
