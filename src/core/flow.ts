/**
 * READ FIRST. Every type that crosses threads, in the order the data flows:
 *
 *   source ─Run─▶ chunk ─Batch─▶ pool ─BatchTask─▶ worker ─BatchResult─▶ sink ─CommitReceipt─▶ pipeline
 *
 * Offsets are JS numbers: Kafka's 64-bit offsets are exact in a double up to 2^53.
 */
import type { BatchStats } from './batch-stats.js';
import type { SluiceErrorMessage } from './errors.js';
import type { SinkMethod } from './sink.js';

/** The fate of a message. A closed list. Of those from `too_large` to `unknown_schema` the host of the kernel tells. */
export const STATUSES = [
  'ok',
  'tombstone',
  'malformed',
  'not_object',
  'missing_required',
  'too_large',
  'kernel_trap',
  'not_framed',
  'unknown_schema',
  'expectation',
] as const;
export type Status = (typeof STATUSES)[number];

/** What happens where an expectation fails: warn counts and logs it, quarantine makes no row, stop ends the run. */
export const ACTIONS = ['warn', 'quarantine', 'stop'] as const;
export type Action = (typeof ACTIONS)[number];

/** An expectation that failed in a batch. */
export interface FailedExpectation {
  readonly name: string;
  readonly action: Action;
  /** Rows that failed it, or messages that it quarantined; 1 of what many rows fail together. */
  readonly failed: number;
  /** Of the first of those rows or messages, undefined of what many rows fail together. */
  readonly firstOffset?: number | undefined;
  /** What many rows came to: a share, or an age in milliseconds. */
  readonly observed?: number | undefined;
}

// ── source → chunk ──────────────────────────────────────────────────────────────────────────────────────────────────

/** What one `fill` did. */
export type Fill =
  /** Messages of one partition were appended to the chunk; `nextOffset` is the last one's offset + 1. */
  | { kind: 'rows'; partition: number; rows: number; nextOffset: number; leaderEpoch: number | undefined }
  /** The partition is read up to `nextOffset`, transaction markers and compacted gaps included. */
  | { kind: 'eof'; partition: number; nextOffset: number }
  /** The next message does not fit an empty chunk: call again with a chunk of at least these capacities, in bytes. */
  | { kind: 'oversize'; partition: number; valueBytes: number; keyBytes: number }
  /** Nothing came within the timeout. */
  | { kind: 'idle' };

/** An Arrow record batch of messages (messages.ts) in shared memory (chunk.ts), as it is sent to a worker. */
export interface ChunkHandle {
  /** Shared, except in a browser: there it stays in its thread. */
  readonly memory: ArrayBufferLike;
  readonly rowCapacity: number;
  readonly valueCapacity: number;
  readonly keyCapacity: number;
  readonly rows: number;
  readonly valueBytes: number;
}

// ── pool → worker ───────────────────────────────────────────────────────────────────────────────────────────────────

/** What a message calls its schema: the id that the registry gave it, or a GUID in lower case. */
export type SchemaRef = number | string;

/** A schema of a registry. */
export interface SchemaText {
  readonly ref: SchemaRef;
  /** The registry's; undefined for a GUID that it does not know. */
  readonly id: number | undefined;
  /** Undefined if the registry has none that can be used: its messages are quarantined. */
  readonly text: string | undefined;
  /** The schemas that it refers to, each after those that it refers to itself. */
  readonly references: readonly string[];
}

/** Consecutive chunks of one partition that cover the offset range [startOffset, nextOffset). */
export interface BatchTask {
  readonly partition: number;
  readonly startOffset: number;
  readonly nextOffset: number;
  /** Of the last message; undefined if the batch has none or the broker does not say. */
  readonly leaderEpoch: number | undefined;
  readonly chunks: readonly ChunkHandle[];
  /** Of the partition's position. */
  readonly epoch?: number | undefined;
  /** Which bit of `issues` each column of the spec has, 0 to 63, in the order of the spec. */
  readonly issueBits: readonly number[];
  /** Those that its values need to be read. */
  readonly schemas?: readonly SchemaText[];
  /** And its keys. */
  readonly keySchemas?: readonly SchemaText[];
}

// ── worker → sink ───────────────────────────────────────────────────────────────────────────────────────────────────

/** A durable but not yet counted Parquet file: fsynced under `tempPath`, to be renamed to `path`. */
export interface ParquetFile {
  readonly tempPath: string;
  readonly path: string;
  readonly bytes: number;
}

/** A message that cannot become a row, byte for byte. */
export interface QuarantinedMessage {
  readonly offset: number;
  /** Milliseconds since the epoch, -1 if the message has none. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  /** Null of a tombstone. */
  readonly value: Uint8Array | null;
  readonly status: Exclude<Status, 'ok' | 'tombstone'>;
  /** Byte of the value where it stops being acceptable; -1 if no single byte is to blame. */
  readonly position: number;
  /** Of `missing_required`: the first required column that is missing or null. Of `expectation`: its column. */
  readonly column: string | undefined;
  /** Of `expectation`: the first that fails. */
  readonly expectation?: string;
}

/** Where the sink takes a batch's rows from: its Parquet file, or Arrow beside it. */
export const MERGE_FROM = ['arrow', 'parquet'] as const;
export type MergeFrom = (typeof MERGE_FROM)[number];

/** Everything a worker made of a batch. Sent by transfer, not by copy. */
export interface BatchResult {
  readonly partition: number;
  readonly startOffset: number;
  readonly nextOffset: number;
  /** As in the task. */
  readonly leaderEpoch: number | undefined;
  /** Arrow IPC stream with the schema of arrow.ts; undefined if no message became a row, or the file is enough. */
  readonly arrow: Uint8Array | undefined;
  readonly file: ParquetFile | undefined;
  readonly quarantined: readonly QuarantinedMessage[];
  /** What the kernel trapped with before the batch was read in spite of it. */
  readonly kernelTrap: string | undefined;
  /** Those that its messages name, in order; empty if they name none. */
  readonly schemaIds?: readonly number[];
  /** Those that it does not meet; default none. */
  readonly failedExpectations?: readonly FailedExpectation[];
  /** All that is counted of it; what the sink counts is 0 until then. */
  readonly stats: BatchStats;
}

// ── sink ↔ pipeline ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What a topic is besides its name, which a new topic can have again; undefined if the brokers do not say. */
export interface TopicIdentity {
  readonly clusterId: string | undefined;
  readonly topicId: string | undefined;
}

/** What the sink remembers of the topic that it is filled from. */
export interface KnownTopic extends TopicIdentity {
  /** How many partitions it had when it was first read; undefined if it was not. Those after them were added later. */
  readonly firstPartitions: number | undefined;
}

/** Where the partitions of a new data directory begin. */
export const START_FROM = ['earliest', 'latest', 'group'] as const;
export type StartFrom = (typeof START_FROM)[number];

/** Why a partition began where it did; `unknown` in directories that did not record it. */
export type StartReason = StartFrom | 'new_partition' | 'reset' | 'unknown';

/** Where a partition begins that the sink does not know yet. */
export interface PartitionStart {
  readonly partition: number;
  readonly nextOffset: number;
  readonly reason: StartReason;
}

/** Offsets [startOffset, nextOffset) that Kafka lost before they were read. */
export interface OffsetGap {
  readonly partition: number;
  readonly startOffset: number;
  readonly nextOffset: number;
}

/** Where a partition stands in the sink. */
export interface SinkPosition {
  readonly partition: number;
  readonly nextOffset: number;
  /** Of the last message read; undefined if there is none or the broker did not say. */
  readonly leaderEpoch: number | undefined;
  /** Highest event time committed, microseconds since the epoch. */
  readonly watermark: bigint | undefined;
  /** That under which the sink lets this process write; undefined if a lock keeps others out. */
  readonly epoch?: number | undefined;
}

/** A file that was removed when the sink was opened. */
export interface RemovedFile {
  /** Relative to the data directory. */
  readonly file: string;
  readonly why: string;
}

/** What the sink knows when it is opened. */
export interface SinkState {
  readonly identity: KnownTopic;
  /** The bit of `issues` that each column of the spec has, in the order of the spec. */
  readonly issueBits: readonly number[];
  /** What an unfinished commit, join or write had left. */
  readonly removed: readonly RemovedFile[];
}

/** What the commit of a group did: one transaction, or several if memory is short. */
export interface CommitReceipt {
  readonly positions: readonly SinkPosition[];
  /** Of all its batches. */
  readonly stats: BatchStats;
  /** What it took beside the staging of its batches. */
  readonly commitSeconds: number;
  /** Of all its batches; default none. */
  readonly failedExpectations?: readonly FailedExpectation[];
}

/** How much has left because of its age. */
export interface Retired {
  readonly changes: number;
  readonly quarantined: number;
  readonly files: number;
}

/** What a log says of it. */
export const RETIRED_TEXT = 'old changes, quarantined messages and Parquet files left (RETAIN_*)';

export const NOTHING_RETIRED: Retired = { changes: 0, quarantined: 0, files: 0 };

/** Counts what leaves while it does: what has left, has, also if what comes after it fails. */
export type RetiredCounts = { -readonly [What in keyof Retired]: Retired[What] };

/** What joining small Parquet files did, and what was done beside it. */
export interface CompactionReceipt {
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Files that got columns of the table spec that they lacked. */
  readonly filesRewritten: number;
  /** Of each set of files that stays as it is although it was to be joined: which, why, and what to do. */
  readonly left: readonly string[];
  /** Files of commits that were not finished, which went since the last receipt. */
  readonly removed: readonly RemovedFile[];
  readonly retired: Retired;
}

export const NOTHING_COMPACTED: CompactionReceipt = {
  filesBefore: 0,
  filesAfter: 0,
  bytesBefore: 0,
  bytesAfter: 0,
  filesRewritten: 0,
  left: [],
  removed: [],
  retired: NOTHING_RETIRED,
};

// ── thread messages ─────────────────────────────────────────────────────────────────────────────────────────────────

/** One call of a Sink method across the thread boundary, answered by the reply of the same id. */
export interface SinkCall {
  readonly id: number;
  readonly method: SinkMethod;
  readonly args: readonly unknown[];
}

export type SinkReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: SluiceErrorMessage };
