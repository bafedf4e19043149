/**
 * Which partitions this process holds, and whether it holds all of them; where each starts (positions.ts) and ends.
 *
 * The positions in the sink are the truth: every assignment starts from them, never from the group's offsets, which
 * only serve a new data directory with START_FROM=group.
 */
import { SluiceError } from '../core/errors.js';
import type { SinkPosition, SinkState } from '../core/flow.js';
import type { ReadPosition } from '../core/source.js';
import type { Partitions } from './partition.js';
import { Positions, type PositionsOptions, type PositionsParts } from './positions.js';
import { TopicGuard } from './topic-guard.js';

export interface AssignmentOptions extends PositionsOptions {
  readonly lateAfterMs: number;
  readonly untilEnd: boolean;
}

export type AssignmentParts = PositionsParts;

/** How long a process that had the topic to itself waits for another member to leave: more than a session. */
const OTHER_MEMBER_GRACE_MS = 60_000;

/** What the group gives a process of a topic that it needs as a whole. */
interface Share {
  readonly assigned: number;
  readonly all: number;
  readonly sinceMs: number;
}

export class Assignment {
  readonly #options: AssignmentOptions;
  readonly #parts: AssignmentParts;
  readonly #partitions: Partitions;
  readonly #guard: TopicGuard;
  readonly #positions: Positions;
  #assigned: readonly number[] = [];
  /** With `untilEnd`: where each partition ended when this process had it first. */
  readonly #ends = new Map<number, number>();
  /** It is in the group, and holds all that the sink needs. */
  #isReading = false;
  #hadWholeTopic = false;
  /** While another member holds some of the topic. */
  #share: Share | undefined;

  constructor(options: AssignmentOptions, parts: AssignmentParts, partitions: Partitions) {
    this.#options = options;
    this.#parts = parts;
    this.#partitions = partitions;
    this.#guard = new TopicGuard(options.topic, parts);
    this.#positions = new Positions(options, parts, partitions);
  }

  /** It is in the group and reads what it has: all of the topic, unless the sink takes a share, which may be none. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** Offsets that were lost and skipped since the start of the process. */
  get lostOffsets(): number {
    return this.#positions.lostOffsets;
  }

  /**
   * With `untilEnd`: all partitions that this process holds were read up to the ends that it found first. One that
   * holds none waits for some: another process has them, or gives them up for this one.
   */
  get hasReachedEnd(): boolean {
    if (!this.#options.untilEnd || !this.#isReading || this.#assigned.length === 0) return false;
    return this.#assigned.every((partition) => this.#partitions.get(partition).hasReachedEnd);
  }

  /** Takes over what the sink knows at start. */
  restore({ identity }: SinkState): void {
    this.#guard.restore(identity);
  }

  /**
   * Takes partitions over, beside those that it holds, and resolves where to start reading them.
   * @returns the start of each of them; none while another member of the group holds some of the topic
   * @throws SluiceError SLUICE_TOPIC_CHANGED, SLUICE_PARTIAL_ASSIGNMENT, SLUICE_OFFSET_OUT_OF_RANGE
   */
  async assign(partitions: readonly number[]): Promise<readonly ReadPosition[]> {
    this.#partitions.stopReading(partitions);
    const { source, sink, log } = this.#parts;
    const { topic, untilEnd } = this.#options;
    await this.#guard.check();
    const all = await source.partitionCount();
    const held = [...new Set([...this.#assigned, ...partitions])];
    this.#isReading = held.length === all || !sink.needsWholeTopic;
    if (!this.#isReading) {
      const share = { assigned: held.length, all, sinceMs: this.#share?.sinceMs ?? performance.now() };
      if (!this.#hadWholeTopic) throw this.#partial(share);
      this.#share = share;
      log.warn(
        { assigned: held.length, partitions: all },
        `another member of the group reads ${topic}: waiting for it to leave`,
      );
      return [];
    }
    this.#hadWholeTopic = true;
    this.#share = undefined;
    this.#partitions.note(await sink.claim(partitions));
    const { positions, ends } = await this.#positions.resolve(partitions, this.#guard.firstPartitions);
    for (const [partition, end] of ends) if (!this.#ends.has(partition)) this.#ends.set(partition, end);
    for (const { partition, nextOffset } of positions) {
      const read = this.#partitions.get(partition);
      read.nextOffset = nextOffset;
      if (untilEnd) read.endOffset = this.#ends.get(partition);
    }
    this.#assigned = held;
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

  /**
   * Gives partitions up, after all that was read of them is committed or dropped.
   * @param isOut it is no longer in the group
   */
  async revoke(partitions: readonly number[], isOut = false): Promise<void> {
    const { sink } = this.#parts;
    this.#partitions.stopReading(partitions);
    await sink.release(this.#assigned.filter((partition) => partitions.includes(partition)));
    this.#assigned = this.#assigned.filter((partition) => !partitions.includes(partition));
    if (isOut || sink.needsWholeTopic) this.#isReading = false;
    if (!sink.needsWholeTopic) this.#partitions.forget(partitions);
  }

  /** @throws SluiceError SLUICE_PARTIAL_ASSIGNMENT when another member stays */
  checkComplete(): void {
    if (this.#share === undefined || performance.now() - this.#share.sinceMs < OTHER_MEMBER_GRACE_MS) return;
    throw this.#partial(this.#share);
  }

  /** Proves that what was read so far is of the topic. @throws SluiceError SLUICE_TOPIC_CHANGED */
  confirmTopic(): Promise<void> {
    return this.#guard.confirm();
  }

  /** Whether Kafka has what is to be read next. */
  inRange(): Promise<boolean> {
    return this.#positions.inRange();
  }

  /** Notes what a transaction committed, and tells the group, best effort. */
  committed(positions: readonly SinkPosition[]): void {
    this.#partitions.note(positions);
    this.#parts.source.commit(new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset])));
  }

  #partial({ assigned, all }: Share): SluiceError {
    const { topic } = this.#options;
    return new SluiceError(
      'SLUICE_PARTIAL_ASSIGNMENT',
      `the group gives this process ${assigned} of ${all} partitions of ${topic}: another member reads the rest. A ` +
        'data directory needs all of them: stop the other process, or give this one a KAFKA_GROUP_ID of its own',
    );
  }
}
