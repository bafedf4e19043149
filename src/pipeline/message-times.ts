/** When those messages of a partition came to Kafka that are not committed yet: for latency, and lag in time. */
import type { Chunk } from '../core/chunk.js';
import { isTime } from '../core/event-time.js';

/** The messages of a batch. Times are Kafka's timestamps, milliseconds since the epoch. */
export interface BatchTimes {
  readonly startOffset: number;
  readonly nextOffset: number;
  readonly rows: number;
  readonly oldestMs: number;
  readonly newestMs: number;
}

/** Looks at the first and the last message of each batch only: most topics have their messages in order of time. */
export class MessageTimes {
  /** Of batches that were dispatched, in offset order. */
  readonly #batches: BatchTimes[] = [];
  #committedMs: number | undefined;

  /** Notes a batch when it is dispatched. One that is read again takes the place of what was read of it before. */
  add(startOffset: number, nextOffset: number, chunks: readonly Chunk[]): void {
    while ((this.#batches.at(-1)?.nextOffset ?? 0) > startOffset) this.#batches.pop();
    const [first, last] = [firstTime(chunks), lastTime(chunks)];
    if (first === undefined || last === undefined) return;
    const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
    const [oldestMs, newestMs] = [Math.min(first, last), Math.max(first, last)];
    this.#batches.push({ startOffset, nextOffset, rows, oldestMs, newestMs });
  }

  /** Takes out the batches that are committed up to here. */
  committed(nextOffset: number): BatchTimes[] {
    const next = this.#batches.findIndex((batch) => batch.nextOffset > nextOffset);
    const done = this.#batches.splice(0, next === -1 ? this.#batches.length : next);
    this.#committedMs = done.at(-1)?.newestMs ?? this.#committedMs;
    return done;
  }

  /**
   * Since when a message waits, at the earliest: the oldest that was read and is not committed, or if all of them are,
   * the newest that is. Undefined before a message with a time was read.
   */
  waitingSinceMs(open: readonly Chunk[]): number | undefined {
    return this.#batches[0]?.oldestMs ?? firstTime(open) ?? this.#committedMs;
  }
}

function firstTime(chunks: readonly Chunk[]): number | undefined {
  return timeOf(chunks[0], 0);
}

function lastTime(chunks: readonly Chunk[]): number | undefined {
  const last = chunks.at(-1);
  return timeOf(last, (last?.rows ?? 0) - 1);
}

function timeOf(chunk: Chunk | undefined, row: number): number | undefined {
  if (chunk === undefined || chunk.rows === 0) return undefined;
  const time = Number(chunk.views.timestamps[row]);
  return isTime(time) ? time : undefined;
}
