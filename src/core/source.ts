/**
 * The contract of a source: *fill this chunk*. `assign`, `unassign` and `pollAssignment` are called between two fills;
 * what asks the brokers may run beside a fill.
 *
 * Partitions come and go in `pollAssignment`; a source delivers nothing before `assign` said from which offset on. How
 * many of them come and go at a time is up to the group: all, or only those that move.
 */
import type { Chunk } from './chunk.js';
import type { Fill, SinkPosition, TopicIdentity } from './flow.js';

/** A change of the partitions that this process holds. */
export type AssignmentChange =
  /** These more; it may be none. */
  | { kind: 'assigned'; partitions: number[] }
  /** These less. `lost`: another member has them already, or may have. */
  | { kind: 'revoked'; partitions: number[]; lost: boolean };

export interface OffsetRange {
  /** First offset that is still in the partition. */
  low: number;
  /** Next offset to be written; with read_committed the last stable offset. */
  high: number;
}

/** Where reading continues in a partition; the leader epoch is that of the last message before it, if known. */
export type ReadPosition = Pick<SinkPosition, 'partition' | 'nextOffset' | 'leaderEpoch'>;

/** What a partition's log is like now, seen from a position. */
export interface PartitionState {
  partition: number;
  low: number;
  high: number;
  /** Kafka timestamp of the first unread message, ms; undefined if none is unread or it cannot be read. */
  unreadSince: number | undefined;
  /** The log no longer continues what was read: it was truncated below the position. */
  truncated: boolean;
}

/** The readers there are: natively, or by the client's objects. */
export const READER_KINDS = ['packed', 'stock'] as const;
export type ReaderKind = (typeof READER_KINDS)[number];

/** How messages get from librdkafka into a chunk. */
export interface MessageReader {
  readonly kind: ReaderKind;
  /**
   * Appends the next messages of one partition to an empty chunk; waits at most `timeoutMs` for the first.
   * @throws LibrdKafkaError
   */
  fill(chunk: Chunk, timeoutMs: number): Promise<Fill>;
  /** Forgets what was taken from librdkafka of these partitions but not delivered. */
  forget(partitions: ReadonlySet<number>): void;
}

export interface Source {
  /**
   * Connects and joins the group.
   * @throws SluiceError SLUICE_KAFKA_UNREACHABLE, SLUICE_UNKNOWN_TOPIC
   */
  start(): Promise<void>;
  /**
   * What the topic is now, besides its name.
   * @param timeoutMs how long brokers have to answer; default 10 s
   * @throws SluiceError SLUICE_UNKNOWN_TOPIC, SLUICE_KAFKA
   */
  identity(timeoutMs?: number): Promise<TopicIdentity>;
  /** The number of partitions that the topic has now. */
  partitionCount(): Promise<number>;
  /** The next change of the assignment, if there is one. Must be answered by `assign` or `unassign`. */
  pollAssignment(): AssignmentChange | undefined;
  /** The group's committed offset of each partition, undefined if there is none. */
  committed(partitions: readonly number[]): Promise<Map<number, number | undefined>>;
  /**
   * The offsets that a partition has now, asked from the broker.
   * @param isPatient asks for a while until there is an answer; default true
   * @throws SluiceError SLUICE_KAFKA, retryable if there may be an answer later
   */
  offsetRange(partition: number, isPatient?: boolean): Promise<OffsetRange>;
  /**
   * The state of these partitions, or of all; of one without a position as seen from its start. Ends what is being read
   * if the topic is not shared: `assign` starts it again.
   * @throws SluiceError SLUICE_KAFKA, also if a log cannot be compared with its position
   */
  inspect(positions: readonly ReadPosition[], partitions?: readonly number[]): Promise<PartitionState[]>;
  /**
   * Starts reading these partitions, too, from these offsets; those that are read already start over, for which no
   * change must wait for its answer.
   */
  assign(positions: readonly ReadPosition[]): void;
  /** Gives these partitions up. Nothing of them is delivered from now on. */
  unassign(partitions: readonly number[]): void;
  /**
   * Appends the next messages of one partition to an empty chunk; waits at most `timeoutMs` for the first.
   * @throws SluiceError SLUICE_OFFSET_OUT_OF_RANGE, SLUICE_UNKNOWN_TOPIC, SLUICE_KAFKA
   */
  fill(chunk: Chunk, timeoutMs: number): Promise<Fill>;
  /** How many messages the partition's log holds beyond `nextOffset`, as brokers said last; 0 if none has yet. */
  lag(partition: number, nextOffset: number): number;
  /** As of when the ends of all assigned partitions are known; `performance.now()`; undefined if one is not. */
  readonly endsAsOfMs: number | undefined;
  /** Commits offsets to the group, best effort: failures are logged, not thrown. */
  commit(positions: ReadonlyMap<number, number>): void;
  /** Leaves the group and disconnects. */
  close(): Promise<void>;
}
