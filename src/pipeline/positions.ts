/**
 * Where each partition is read from: the sink's positions, compared with what Kafka has now.
 *
 *   position < low           lost: the run fails, or the position moves over the gap
 *   low ≤ position ≤ high    continue, if the log below the position is still the one that was read
 *   position > high          the log was truncated
 *   no position              START_FROM decides if it was there when the topic was first read; else it begins at low
 */
import { SluiceError } from '../core/errors.js';
import type { OffsetGap, PartitionStart, StartFrom, StartReason } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import type { Sink } from '../core/sink.js';
import type { OffsetRange, ReadPosition, Source } from '../core/source.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Partitions } from './partition.js';

export interface PositionsOptions {
  readonly topic: string;
  readonly startFrom: StartFrom;
  /** What happens at a position whose next messages Kafka has deleted. */
  readonly onLostOffsets: 'fail' | 'gap';
}

/** What it asks of the sink. */
export type AssignmentSink = Omit<Sink, 'open' | 'stage' | 'commit' | 'compact' | 'close'>;

export interface PositionsParts {
  readonly source: Source;
  readonly sink: AssignmentSink;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** What reading starts from. */
export interface ResolvedPositions {
  readonly positions: readonly ReadPosition[];
  /** Where each partition ends now. */
  readonly ends: ReadonlyMap<number, number>;
}

export class Positions {
  readonly #options: PositionsOptions;
  readonly #parts: PositionsParts;
  readonly #partitions: Partitions;
  #lostOffsets = 0;

  constructor(options: PositionsOptions, parts: PositionsParts, partitions: Partitions) {
    this.#options = options;
    this.#parts = parts;
    this.#partitions = partitions;
  }

  /** Offsets that were lost and skipped since the start of the process. */
  get lostOffsets(): number {
    return this.#lostOffsets;
  }

  /**
   * Decides where to read each partition from, and makes that durable.
   * @param firstPartitions how many there were when the topic was first read: those after them were added later
   * @throws SluiceError SLUICE_OFFSET_OUT_OF_RANGE, SLUICE_TOPIC_CHANGED
   */
  async resolve(partitions: readonly number[], firstPartitions: number): Promise<ResolvedPositions> {
    const { topic } = this.#options;
    const ranges = await this.#ranges(partitions);
    const reasons = await this.#begin(
      partitions.filter((partition) => !this.#partitions.has(partition)),
      ranges,
      firstPartitions,
    );
    await this.#skipLost(this.#lost(partitions, ranges));
    const positions = partitions.map((partition): ReadPosition => this.#partitions.get(partition).committed);
    await this.#checkLogs(positions);
    const starts = positions.map(({ partition, nextOffset }) => {
      return [partition, { offset: nextOffset, from: reasons.get(partition) ?? 'position' }];
    });
    this.#parts.log.info({ partitions: partitions.length, starts: Object.fromEntries(starts) }, `reading ${topic}`);
    return { positions, ends: new Map([...ranges].map(([partition, { high }]) => [partition, high])) };
  }

  /**
   * Whether Kafka has what is to be read next.
   * @throws SluiceError SLUICE_KAFKA, retryable if no broker answers now
   */
  async inRange(): Promise<boolean> {
    // One by one: each holds a thread until it is answered, and readers need some.
    for (const { number, nextOffset } of this.#partitions.all) {
      if (nextOffset === undefined) continue;
      const { low, high } = await this.#parts.source.offsetRange(number, false);
      if (nextOffset < low || nextOffset > high) return false;
    }
    return true;
  }

  async #ranges(partitions: readonly number[]): Promise<Map<number, OffsetRange>> {
    const ranges = await Promise.all(partitions.map((partition) => this.#parts.source.offsetRange(partition)));
    return new Map(partitions.map((partition, index) => [partition, ranges[index]]));
  }

  /** Makes the positions of new partitions. @returns why each of them begins where it does */
  async #begin(
    partitions: readonly number[],
    ranges: ReadonlyMap<number, OffsetRange>,
    firstPartitions: number,
  ): Promise<ReadonlyMap<number, StartReason>> {
    if (partitions.length === 0) return new Map();
    const starts = await this.#starts(partitions, ranges, firstPartitions);
    this.#partitions.note(await this.#parts.sink.initPositions(starts));
    return new Map(starts.map(({ partition, reason }) => [partition, reason]));
  }

  async #starts(
    partitions: readonly number[],
    ranges: ReadonlyMap<number, OffsetRange>,
    firstPartitions: number,
  ): Promise<readonly PartitionStart[]> {
    const { topic, startFrom } = this.#options;
    const { source, log } = this.#parts;
    const committed = startFrom === 'group' ? await source.committed(partitions) : new Map();
    return partitions.map((partition): PartitionStart => {
      const { low, high } = ranges.get(partition)!;
      // One that was added later is read from its start: all of it came after the topic was first read.
      if (partition >= firstPartitions) return { partition, nextOffset: low, reason: 'new_partition' };
      if (startFrom === 'latest') return { partition, nextOffset: high, reason: 'latest' };
      const offset = committed.get(partition);
      if (offset !== undefined && offset >= low && offset <= high) {
        return { partition, nextOffset: offset, reason: 'group' };
      }
      if (startFrom === 'group') {
        const why = offset === undefined ? 'no offset' : `the offset ${offset}, and Kafka has ${low} to ${high}`;
        log.warn({ partition }, `the group has committed ${why}: ${topic} partition ${partition} begins at ${low}`);
      }
      return { partition, nextOffset: low, reason: 'earliest' };
    });
  }

  /** @throws SluiceError SLUICE_TOPIC_CHANGED for a position beyond the log, SLUICE_OFFSET_OUT_OF_RANGE with `fail` */
  #lost(partitions: readonly number[], ranges: ReadonlyMap<number, OffsetRange>): OffsetGap[] {
    const gaps: OffsetGap[] = [];
    for (const partition of partitions) {
      const { nextOffset } = this.#partitions.get(partition).committed;
      const { low, high } = ranges.get(partition)!;
      if (nextOffset > high) {
        throw this.#truncated(`partition ${partition}: the position is ${nextOffset}, Kafka has ${low} to ${high}`);
      }
      if (nextOffset < low) gaps.push({ partition, startOffset: nextOffset, nextOffset: low });
      if (nextOffset < low && this.#options.onLostOffsets === 'fail') throw this.#gone(partition, nextOffset, ranges);
    }
    return gaps;
  }

  async #skipLost(gaps: readonly OffsetGap[]): Promise<void> {
    if (gaps.length === 0) return;
    const { sink, metrics, log } = this.#parts;
    this.#partitions.note(await sink.recordGaps(gaps));
    const { topic } = this.#options;
    for (const { partition, startOffset, nextOffset } of gaps) {
      const lost = nextOffset - startOffset;
      this.#lostOffsets += lost;
      metrics.lostOffsets.inc({ partition }, lost);
      log.error(
        { code: 'SLUICE_OFFSET_OUT_OF_RANGE', topic, partition, startOffset, nextOffset, lost },
        `lost: Kafka deleted ${lost} offsets of ${topic} partition ${partition}, ${startOffset} up to ${nextOffset}, ` +
          'before they were read; the ledger has a gap there',
      );
    }
  }

  /** @throws SluiceError SLUICE_TOPIC_CHANGED if a log has other messages now below its position */
  async #checkLogs(positions: readonly ReadPosition[]): Promise<void> {
    if (positions.every(({ leaderEpoch }) => leaderEpoch === undefined)) return;
    const partitions = positions.map(({ partition }) => partition);
    const truncated = (await this.#parts.source.inspect(positions, partitions)).filter((state) => state.truncated);
    if (truncated.length === 0) return;
    const [{ partition, low, high }] = truncated;
    const { nextOffset } = this.#partitions.get(partition).committed;
    throw this.#truncated(
      `partition ${partition}: below the position ${nextOffset} there are other messages now than were read ` +
        `(Kafka has ${low} to ${high})`,
    );
  }

  #gone(partition: number, nextOffset: number, ranges: ReadonlyMap<number, OffsetRange>): SluiceError {
    const { low, high } = ranges.get(partition)!;
    return new SluiceError(
      'SLUICE_OFFSET_OUT_OF_RANGE',
      `${this.#options.topic} partition ${partition}: the position ${nextOffset} is before what Kafka has, ${low} to ` +
        `${high}: ${low - nextOffset} offsets were deleted before they were read (retention). Nothing was skipped. ` +
        'To continue without them, with a gap in the ledger, run with --on-lost-offsets gap',
    );
  }

  #truncated(what: string): SluiceError {
    return new SluiceError(
      'SLUICE_TOPIC_CHANGED',
      `the log of ${this.#options.topic} was truncated: ${what}. Brokers lost messages that are in DATA_DIR (an ` +
        'unclean leader election, or a lost disk). Nothing was skipped, and the data stays readable with query. Give ' +
        'the topic as it is now a DATA_DIR of its own, or bring the log back',
    );
  }
}
