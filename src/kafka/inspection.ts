/**
 * Compares partitions' logs with positions, by reading around each position.
 *
 *       low            from         position        high
 *        │   …          │ ◀─ look back ─▶ │ unread    │
 *
 * Leader epochs never fall along a log, and every message below the position was read, the last one with the position's
 * epoch. So a message below the position with a later epoch was written in place of one that was read: the log was
 * truncated below the position and has grown past it again. (OffsetForLeaderEpoch alone cannot tell that from a
 * transaction's marker, which has the epoch of a later leader and is never read.)
 */
import type { KafkaConsumer, LibrdKafkaError, Message } from '@confluentinc/kafka-javascript';
import type { OffsetRange, PartitionState, ReadPosition } from '../core/source.js';
import { isTransient } from './kafka-errors.js';

/** Offsets before the position that are looked at first; then 16 times as many, as long as they hold no message. */
const LOOK_BACK = 16;
const MESSAGES_PER_CALL = 64;
const POLL_MS = 20;
/** How long nothing may become known. A topic of many partitions may take longer: they become known one by one. */
const TIMEOUT_MS = 10_000;

/** A partition, and the position from which it is seen; undefined: its start. */
export interface InspectedPartition extends OffsetRange {
  readonly partition: number;
  readonly position: ReadPosition | undefined;
}

/** What reading found out so far. */
class Inspection {
  readonly partition: number;
  readonly state: PartitionState;
  /** First unread offset. */
  readonly #target: number;
  /** Undefined if there is nothing to compare. */
  readonly #epoch: number | undefined;
  #lookBack = LOOK_BACK;
  #foundBelow = false;
  #reachedTarget: boolean;

  constructor({ partition, low, high, position }: InspectedPartition) {
    const nextOffset = position?.nextOffset ?? low;
    this.partition = partition;
    this.state = { partition, low, high, unreadSince: undefined, truncated: nextOffset > high };
    this.#target = Math.max(low, nextOffset);
    this.#epoch = this.state.truncated || nextOffset <= low ? undefined : position?.leaderEpoch;
    this.#reachedTarget = this.#epoch === undefined && this.#target >= high;
  }

  /** Where reading starts. */
  get from(): number {
    return this.#epoch === undefined ? this.#target : Math.max(this.state.low, this.#target - this.#lookBack);
  }

  get done(): boolean {
    return this.#reachedTarget && this.compared;
  }

  /** What is below the position is known, or cannot be known: nothing is left there. */
  get compared(): boolean {
    return this.#epoch === undefined || this.#foundBelow || (this.#reachedTarget && this.from === this.state.low);
  }

  add({ offset, timestamp, leaderEpoch }: Message): void {
    if (offset >= this.#target) {
      this.state.unreadSince ??= timestamp;
      this.#reachedTarget = true;
      return;
    }
    this.#foundBelow = true;
    if (leaderEpoch !== undefined && this.#epoch !== undefined && leaderEpoch > this.#epoch)
      this.state.truncated = true;
    if (offset === this.#target - 1 && this.#target >= this.state.high) this.#reachedTarget = true;
  }

  end(): void {
    this.#reachedTarget = true;
  }

  /** @returns whether it must be read again, from further back: no message was found below the position */
  widen(): boolean {
    if (!this.#reachedTarget || this.compared) return false;
    this.#reachedTarget = false;
    this.#lookBack *= LOOK_BACK;
    return true;
  }
}

/**
 * Reads until every partition is known, and assigns the consumer to that end; the caller assigns it again.
 * @param isInterrupted ends it: the group has something to say
 * @returns the states, and the partitions whose log could not be compared with the position in time
 * @throws LibrdKafkaError
 */
export async function inspectPartitions(
  consumer: KafkaConsumer,
  topic: string,
  partitions: readonly InspectedPartition[],
  isInterrupted: () => boolean,
): Promise<{ states: PartitionState[]; unknown: number[] }> {
  const inspections = new Map(partitions.map((partition) => [partition.partition, new Inspection(partition)]));
  const onEnd = ({ partition }: { partition: number }) => inspections.get(partition)?.end();
  let progressMs = performance.now();
  consumer.on('partition.eof', onEnd);
  try {
    let assigned = 0;
    for (;;) {
      const open = [...inspections.values()].filter((inspection) => !inspection.done);
      if (open.length === 0 || isInterrupted() || performance.now() > progressMs + TIMEOUT_MS) break;
      // What is done is read no further: its messages would be in the way of the others'.
      const widened = open.filter((inspection) => inspection.widen()).length;
      if (widened > 0 || open.length !== assigned) {
        progressMs = performance.now();
        consumer.assign(open.map(({ partition, from }) => ({ topic, partition, offset: from })));
        assigned = open.length;
      }
      for (const message of await consume(consumer)) inspections.get(message.partition)?.add(message);
    }
  } finally {
    consumer.removeListener('partition.eof', onEnd);
  }
  const all = [...inspections.values()];
  return {
    states: all.map(({ state }) => state),
    unknown: all.filter(({ compared }) => !compared).map(({ partition }) => partition),
  };
}

async function consume(consumer: KafkaConsumer): Promise<Message[]> {
  consumer.setDefaultConsumeTimeout(POLL_MS);
  return new Promise((resolve, reject) => {
    consumer.consume(MESSAGES_PER_CALL, (error: LibrdKafkaError | null, messages: Message[]) => {
      if (error === null) resolve(messages);
      else if (isTransient(error)) resolve([]);
      else reject(error);
    });
  });
}
