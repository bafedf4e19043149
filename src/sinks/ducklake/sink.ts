/**
 * The sink of a lake: the files that workers write are the table, and a commit registers them.
 *
 *   stage    a batch's file is where it stays; the batch is remembered
 *   commit   1. in a transaction, duplicates are found, as in `analytics.db`
 *            2. the files are registered, duplicates deleted, quarantine and ledger written
 *            3. the transaction is committed; the catalog refuses it if someone else moved one of its partitions
 *               (ownership.ts); what failed is tried again if that can help (transactions.ts)
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { NO_STATS } from '../../core/batch-stats.js';
import { assert, type SluiceError } from '../../core/errors.js';
import { outcomeOf } from '../../core/failed-expectations.js';
import type {
  BatchResult,
  CommitReceipt,
  CompactionReceipt,
  KnownTopic,
  OffsetGap,
  PartitionStart,
  SinkPosition,
  SinkState,
} from '../../core/flow.js';
import { lakeError, outageError } from '../../core/outage.js';
import type { ReplayOutcome, ReplayPiece, ReplayTarget } from '../../core/replay.js';
import { withRetries } from '../../core/retry.js';
import type { Sink } from '../../core/sink.js';
import { Turns } from '../../core/turns.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { readPositions } from '../duckdb/ledger.js';
import type { RetentionSettings } from '../duckdb/settings.js';
import type { DeleteFiles } from './delete-files.js';
import { Housekeeping } from './housekeeping.js';
import { readKnownTopic, rememberTopic } from './known-topic.js';
import { connectLake } from './lake.js';
import { type LakePartsOptions, openParts } from './lake-parts.js';
import { checkMoves, movesOf, settleGroup, writeBatches, writeGaps, writeStarts } from './lake-transaction.js';
import type { CommitsAside } from './numbered-changes.js';
import { ClaimedOrphans, settleFiles } from './orphans.js';
import type { LastCommit, OwnedMove, Ownership } from './ownership.js';
import { LakeReplay } from './replay.js';
import { LakeRetention } from './retention.js';
import { isPostgres } from './settings.js';
import { Transactions } from './transactions.js';

export interface DuckLakeSinkOptions extends LakePartsOptions {
  readonly compaction: CompactionOptions;
  /** RETAIN_PARQUET is of no use: the files are the table. */
  readonly retention: RetentionSettings;
  readonly keepSnapshotsMs: number;
}

/** Less than max.poll.interval.ms, after which the group waits no longer. */
const CLAIM_PATIENCE_MS = 60_000;

export class DuckLakeSink implements Sink, ReplayTarget {
  readonly #options: DuckLakeSinkOptions;
  #instance: DuckDBInstance | undefined;
  #connection: DuckDBConnection | undefined;
  #ownership: Ownership | undefined;
  #deleteFiles: DeleteFiles | undefined;
  #transactions: Transactions | undefined;
  #housekeeping: Promise<Housekeeping> | undefined;
  #orphans: ClaimedOrphans | undefined;
  /** Of the partitions that this process owns. */
  readonly #epochs = new Map<number, number>();
  readonly #positions = new Map<number, SinkPosition>();
  #batches: BatchResult[] = [];
  /** A group whose commit failed and is to be tried again. */
  #failed: BatchResult[] | undefined;
  #replay: LakeReplay | undefined;
  /** All that the connection does. */
  readonly #commits = new Turns();
  readonly #compactions = new Turns();
  readonly #closing = new AbortController();

  constructor(options: DuckLakeSinkOptions) {
    this.#options = options;
  }

  get needsWholeTopic(): boolean {
    return !isPostgres(this.#options.catalog);
  }

  /** A connection that reads beside the commits. */
  async connect(): Promise<DuckDBConnection> {
    assert(this.#instance !== undefined, 'the sink is open');
    return await connectLake(this.#instance);
  }

  async open(): Promise<SinkState> {
    try {
      const issueBits = await this.#open();
      const removed = await settleFiles(this.#connection!, this.#options, this.#ownership!);
      return { identity: await readKnownTopic(this.#connection!), issueBits, removed };
    } catch (thrown) {
      await this.close();
      throw lakeError(thrown, 'the lake cannot be opened');
    }
  }

  async #open(): Promise<readonly number[]> {
    const { instance, connection, deleteFiles, ownership, issueBits } = await openParts(this.#options);
    this.#instance = instance;
    this.#connection = connection;
    this.#deleteFiles = deleteFiles;
    this.#ownership = ownership;
    const { topic } = this.#options;
    this.#orphans = new ClaimedOrphans(instance, this.#options, this.#epochs);
    this.#transactions = new Transactions(connection, ownership, deleteFiles, topic, this.#closing.signal);
    return issueBits;
  }

  setIdentity(identity: KnownTopic): Promise<KnownTopic> {
    const remember = () => this.#commits.take(() => rememberTopic(this.#connection!, identity));
    return this.#patiently('the topic cannot be noted', remember);
  }

  async claim(partitions: readonly number[]): Promise<SinkPosition[]> {
    if (partitions.length === 0) return [];
    const claim = () => this.#commits.take(() => this.#claim(partitions));
    return await this.#patiently('partitions cannot be claimed', claim);
  }

  async #claim(partitions: readonly number[]): Promise<SinkPosition[]> {
    for (const { partition, epoch } of await this.#ownership!.claim(partitions)) this.#epochs.set(partition, epoch);
    // Whatever its old owner committed is in the lake by now.
    for (const position of await readPositions(this.#connection!, this.#options.topic)) {
      const epoch = this.#epochs.get(position.partition);
      if (epoch !== undefined) this.#positions.set(position.partition, { ...position, epoch });
    }
    if (this.#ownership!.isShared) await this.#orphans!.remove(partitions);
    return this.#positionsOf(partitions);
  }

  /** Nothing to tell the catalog: whoever claims them next does not wait for this process. */
  async release(partitions: readonly number[]): Promise<void> {
    this.#batches = this.#batches.filter(({ partition }) => !partitions.includes(partition));
    for (const known of [this.#epochs, this.#positions]) for (const partition of partitions) known.delete(partition);
  }

  async initPositions(starts: readonly PartitionStart[]): Promise<SinkPosition[]> {
    if (starts.length === 0) return [];
    const moves = starts.map(({ partition, nextOffset }): OwnedMove => {
      return { partition, epoch: this.#epochOf(partition), start: null, next: nextOffset };
    });
    const move = () => this.#move(moves, undefined, () => writeStarts(this.#connection!, this.#options, starts));
    await this.#patiently('positions cannot be made', () => this.#commits.take(move));
    for (const { partition, nextOffset } of starts) {
      const epoch = this.#epochOf(partition);
      this.#positions.set(partition, { partition, nextOffset, leaderEpoch: undefined, watermark: undefined, epoch });
    }
    return this.#positionsOf(starts.map(({ partition }) => partition));
  }

  async recordGaps(gaps: readonly OffsetGap[]): Promise<SinkPosition[]> {
    const moves = movesOf(gaps, (partition) => this.#epochOf(partition));
    await this.#patiently('lost offsets cannot be recorded', () =>
      this.#commits.take(() =>
        this.#move(moves, undefined, (last) => writeGaps(this.#connection!, this.#options, last, gaps)),
      ),
    );
    for (const gap of gaps) this.#note({ ...gap, leaderEpoch: undefined, stats: NO_STATS });
    return this.#positionsOf(gaps.map(({ partition }) => partition));
  }

  async stage(batch: BatchResult): Promise<void> {
    assert(batch.nextOffset > batch.startOffset, 'a batch covers at least one offset');
    this.#batches.push(batch);
  }

  commit(): Promise<CommitReceipt> {
    const batches = this.#failed ?? this.#batches.splice(0);
    this.#failed = undefined;
    return this.#commits.take(() => this.#commit(batches));
  }

  async #commit(batches: BatchResult[]): Promise<CommitReceipt> {
    const startMs = performance.now();
    const moves = movesOf(batches, (partition) => this.#epochOf(partition));
    const { maxChangeSeq } = outcomeOf(batches).stats;
    const written = await this.#writeGroup(moves, maxChangeSeq, batches);
    for (const batch of batches) this.#note(batch);
    return {
      positions: this.#positionsOf(moves.map(({ partition }) => partition)),
      ...outcomeOf(written),
      commitSeconds: (performance.now() - startMs) / 1e3,
    };
  }

  async #writeGroup(
    moves: readonly OwnedMove[],
    maxChangeSeq: bigint | undefined,
    batches: BatchResult[],
  ): Promise<readonly BatchResult[]> {
    const connection = this.#connection!;
    try {
      const written = await this.#move(moves, maxChangeSeq, (last) =>
        writeBatches(connection, this.#options, this.#deleteFiles!, last, moves, batches),
      );
      return await settleGroup(connection, this.#options, batches, written);
    } catch (thrown) {
      const error = this.#errorOf(thrown, 'a commit to the lake failed');
      if (error.retryable) this.#failed = batches;
      throw error;
    }
  }

  /** @param everything default: what is due */
  compact(everything = false): Promise<CompactionReceipt> {
    return this.#compactions.take(() => this.#compact(everything));
  }

  async #compact(everything: boolean): Promise<CompactionReceipt> {
    // Anew if it could not be opened.
    const opening = (await this.#housekeeping?.catch(() => undefined)) ?? this.#openHousekeeping();
    this.#housekeeping = Promise.resolve(opening);
    const housekeeping = await opening;
    const left = await this.#orphans!.retry(everything);
    const receipt = await (everything ? housekeeping.run(true) : housekeeping.runIfDue());
    return { ...receipt, left: [...receipt.left, ...left], removed: this.#orphans!.takeRemoved() };
  }

  async #openHousekeeping(): Promise<Housekeeping> {
    const aside: CommitsAside = { ownership: this.#ownership!, inTurn: (work) => this.#commits.take(work) };
    const retention = await LakeRetention.open(this.#instance!, this.#options, aside);
    const options = { ...this.#options, isShared: !this.needsWholeTopic };
    return await Housekeeping.open(this.#instance!, options, aside, retention);
  }

  replay(piece: ReplayPiece): Promise<ReplayOutcome | undefined> {
    return this.#commits.take(async () => {
      this.#replay ??= await LakeReplay.open(this.#instance!, this.#options, this.#ownership!, this.#closing.signal);
      return await this.#replay.take(piece);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    // What is under way must not outlive its thread, and nothing more begins.
    const ended = [this.#commits.close(), this.#compactions.close()];
    const housekeeping = await this.#housekeeping?.catch(() => undefined);
    await Promise.all([...ended, housekeeping?.close()]);
    for (const part of [this.#ownership, this.#deleteFiles, this.#replay]) part?.close();
    for (const part of [this.#connection, this.#instance]) part?.closeSync();
    this.#ownership = this.#deleteFiles = this.#connection = this.#instance = undefined;
    this.#housekeeping = this.#replay = undefined;
  }

  /** For what no one tries again: an outage that is over soon is waited for. */
  #patiently<T>(context: string, work: () => Promise<T>): Promise<T> {
    const attempt = () =>
      work().catch((thrown) => {
        throw this.#errorOf(thrown, context);
      });
    return withRetries(attempt, { maxPatienceMs: CLAIM_PATIENCE_MS, signal: this.#closing.signal });
  }

  #errorOf(thrown: unknown, context: string): SluiceError {
    return this.needsWholeTopic ? lakeError(thrown, context) : outageError(thrown, context);
  }

  /** One transaction; undefined if one before it, which seemed to fail, did its work. */
  async #move<T>(
    moves: readonly OwnedMove[],
    maxChangeSeq: bigint | undefined,
    write: (last: LastCommit) => Promise<T>,
  ): Promise<T | undefined> {
    checkMoves(this.#options, this.#positions, moves);
    return await this.#transactions!.run(moves, maxChangeSeq, write);
  }

  #epochOf(partition: number): number {
    const epoch = this.#epochs.get(partition);
    assert(epoch !== undefined, `partition ${partition} is owned`);
    return epoch;
  }

  #note({ partition, nextOffset, leaderEpoch, stats }: Move): void {
    const before = this.#positions.get(partition)!;
    const { maxEventTime: time } = stats;
    const isLater = time !== undefined && (before.watermark === undefined || time > before.watermark);
    this.#positions.set(partition, {
      ...before,
      nextOffset,
      leaderEpoch: leaderEpoch ?? before.leaderEpoch,
      watermark: isLater ? time : before.watermark,
    });
  }

  #positionsOf(partitions: readonly number[]): SinkPosition[] {
    return partitions.flatMap((partition) => this.#positions.get(partition) ?? []);
  }
}

type Move = Pick<BatchResult, 'partition' | 'nextOffset' | 'leaderEpoch' | 'stats'>;
