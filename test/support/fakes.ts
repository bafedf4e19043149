/** A source and a sink in memory, for tests of what decides between them. */

import { combineStats, NO_STATS } from '../../src/core/batch-stats.js';
import type { Chunk } from '../../src/core/chunk.js';
import {
  type BatchResult,
  type BatchTask,
  type CommitReceipt,
  type Fill,
  type KnownTopic,
  NOTHING_COMPACTED,
  type OffsetGap,
  type PartitionStart,
  type SinkPosition,
  type SinkState,
  type TopicIdentity,
} from '../../src/core/flow.js';
import { createLogger } from '../../src/core/log.js';
import type { Sink } from '../../src/core/sink.js';
import type { AssignmentChange, OffsetRange, PartitionState, ReadPosition, Source } from '../../src/core/source.js';
import type { PipelineOptions } from '../../src/pipeline/pipeline.js';
import { fillChunk, type PlainMessage } from './chunks.js';

/** Of a pipeline whose batches and commits are small and soon. */
export const PIPELINE_OPTIONS: PipelineOptions = {
  topic: 'cdc_orders',
  startFrom: 'earliest',
  onLostOffsets: 'fail',
  lateAfterMs: 0,
  untilEnd: false,
  batchRows: 25,
  batchBytes: 1 << 20,
  flushIntervalMs: 5,
  commitRows: 100,
  commitBytes: 1 << 30,
  bufferBytes: 8 << 20,
  workers: 2,
  shutdownGraceMs: 5000,
};

export const silent = createLogger({ level: 'silent', format: 'json' });

/** A topic in memory. Fills deliver at most `rowsPerFill` messages. */
export class FakeSource implements Source {
  readonly changes: AssignmentChange[] = [];
  readonly committedOffsets = new Map<number, number>();
  readonly commits: Map<number, number>[] = [];
  readonly ranges = new Map<number, OffsetRange>();
  readonly assigned: (readonly ReadPosition[])[] = [];
  readonly unassigned: (readonly number[])[] = [];
  /** Partitions whose logs have other messages below the position than were read. */
  readonly truncated = new Set<number>();
  /** What the next fills throw. */
  readonly failures: Error[] = [];
  topicIdentity: TopicIdentity = { clusterId: 'cluster', topicId: 'topic' };
  /** How often the brokers were asked for it. */
  identityRequests = 0;
  leaderEpoch: number | undefined;
  positions = new Map<number, number>();
  rowsPerFill = 10;
  closed = false;
  #ended = new Set<number>();

  /** @param log the messages of each partition, in offset order */
  constructor(readonly log: PlainMessage[][]) {
    for (const [partition, messages] of log.entries()) {
      this.ranges.set(partition, { low: messages[0]?.offset ?? 0, high: (messages.at(-1)?.offset ?? -1) + 1 });
    }
  }

  async start() {
    this.changes.push({ kind: 'assigned', partitions: [...this.log.keys()] });
  }
  async identity() {
    this.identityRequests++;
    return this.topicIdentity;
  }
  async partitionCount() {
    return this.log.length;
  }
  pollAssignment() {
    return this.changes.shift();
  }
  async committed(partitions: readonly number[]) {
    return new Map(partitions.map((partition) => [partition, this.committedOffsets.get(partition)]));
  }
  async offsetRange(partition: number) {
    return this.ranges.get(partition)!;
  }
  async inspect(positions: readonly ReadPosition[]): Promise<PartitionState[]> {
    return positions.map(({ partition }) => {
      const truncated = this.truncated.has(partition);
      return { partition, ...this.ranges.get(partition)!, unreadSince: undefined, truncated };
    });
  }
  assign(positions: readonly ReadPosition[]) {
    // The client would take it for the answer to the change.
    const isAgain = positions.some(({ partition }) => this.positions.has(partition));
    if (isAgain && this.changes.length > 0) throw new Error('the group has something to say');
    this.assigned.push(positions);
    for (const { partition, nextOffset } of positions) {
      this.positions.set(partition, nextOffset);
      this.#ended.delete(partition);
    }
  }
  unassign(partitions: readonly number[]) {
    this.unassigned.push(partitions);
    for (const partition of partitions) this.positions.delete(partition);
  }
  async fill(chunk: Chunk): Promise<Fill> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    for (const [partition, position] of this.positions) {
      const messages = this.log[partition].filter(({ offset }) => offset >= position).slice(0, this.rowsPerFill);
      if (messages.length > 0) {
        const valueBytes = Buffer.byteLength(messages[0].value ?? '');
        if (valueBytes > chunk.valueCapacity) return { kind: 'oversize', partition, valueBytes, keyBytes: 0 };
        fillChunk(chunk, messages);
        const nextOffset = messages.at(-1)!.offset + 1;
        this.positions.set(partition, nextOffset);
        return { kind: 'rows', partition, rows: messages.length, nextOffset, leaderEpoch: this.leaderEpoch };
      }
      if (this.#ended.has(partition)) continue;
      this.#ended.add(partition);
      return { kind: 'eof', partition, nextOffset: this.ranges.get(partition)!.high };
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
    return { kind: 'idle' };
  }
  lag(partition: number, nextOffset: number) {
    return this.log[partition].filter(({ offset }) => offset >= nextOffset).length;
  }
  endsAsOfMs: number | undefined;
  commit(positions: ReadonlyMap<number, number>) {
    this.commits.push(new Map(positions));
  }
  async close() {
    this.closed = true;
  }
}

/** A sink that keeps positions as the real one does, and every committed batch. */
export class FakeSink implements Sink {
  readonly positions = new Map<number, SinkPosition>();
  readonly batches: BatchResult[] = [];
  #staged: BatchResult[] = [];

  needsWholeTopic = true;
  readonly released: number[] = [];
  readonly starts: PartitionStart[] = [];
  readonly gaps: OffsetGap[] = [];
  identity: KnownTopic = { clusterId: undefined, topicId: undefined, firstPartitions: undefined };
  issueBits: readonly number[] = [];

  async open(): Promise<SinkState> {
    return { identity: this.identity, issueBits: this.issueBits, removed: [] };
  }
  async setIdentity(identity: KnownTopic) {
    this.identity = identity;
    return identity;
  }
  async claim(partitions: readonly number[]) {
    return partitions.flatMap((partition) => this.positions.get(partition) ?? []);
  }
  async release(partitions: readonly number[]) {
    this.released.push(...partitions);
    this.#staged = this.#staged.filter(({ partition }) => !partitions.includes(partition));
  }
  async initPositions(starts: readonly PartitionStart[]) {
    this.starts.push(...starts);
    return starts.map(({ partition, nextOffset }) => this.#move(partition, nextOffset));
  }
  async recordGaps(gaps: readonly OffsetGap[]) {
    this.gaps.push(...gaps);
    return gaps.map(({ partition, nextOffset }) => this.#move(partition, nextOffset));
  }
  async stage(batch: BatchResult) {
    this.#staged.push(batch);
  }
  async commit(): Promise<CommitReceipt> {
    const group = this.#staged;
    this.#staged = [];
    for (const { partition, startOffset, nextOffset, leaderEpoch } of group) {
      if (this.positions.get(partition)?.nextOffset !== startOffset)
        throw new Error(`partition ${partition} is fenced`);
      this.#move(partition, nextOffset, leaderEpoch);
    }
    this.batches.push(...group);
    const positions = [...new Set(group.map(({ partition }) => partition))].map((p) => this.positions.get(p)!);
    const stats = combineStats(group.map((batch) => ({ ...batch.stats, merged: batch.stats.ok })));
    return { positions, stats, commitSeconds: 0 };
  }
  async compact() {
    return NOTHING_COMPACTED;
  }
  async close() {}

  #move(partition: number, nextOffset: number, leaderEpoch?: number): SinkPosition {
    const position = { partition, nextOffset, leaderEpoch, watermark: undefined };
    this.positions.set(partition, position);
    return position;
  }
}

/** A task without messages for offsets up to `nextOffset`. */
export function emptyTask(nextOffset: number): BatchTask {
  return { partition: 0, startOffset: 0, nextOffset, leaderEpoch: undefined, issueBits: [], chunks: [] };
}

/** What a worker would make of a batch in which every message is a row. */
export async function fakeBatch(task: BatchTask): Promise<BatchResult> {
  const { partition, startOffset, nextOffset, leaderEpoch, chunks } = task;
  const ok = chunks.reduce((sum, { rows }) => sum + rows, 0);
  await new Promise((resolve) => setTimeout(resolve, 1));
  return {
    partition,
    startOffset,
    nextOffset,
    leaderEpoch,
    arrow: undefined,
    file: undefined,
    quarantined: [],
    kernelTrap: undefined,
    stats: { ...NO_STATS, ok, batches: 1 },
  };
}

export function messages(offsets: readonly number[], value = 'x'): PlainMessage[] {
  return offsets.map((offset) => ({ offset, timestamp: 0, key: 'k', value }));
}

/** Waits for it, a few seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 5000) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
