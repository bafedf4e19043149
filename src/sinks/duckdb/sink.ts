/**
 * The sink: one DuckDB transaction per commit group.
 *
 *   stage    the group's rows are kept as a relation: a table in memory that is filled from Arrow, or the Parquet files
 *            of its batches; its quarantined messages and ledger rows are kept as they are
 *   commit   1. in a transaction, duplicates are found: change ids that the change log has, and of equal
 *               ones all but that of the lowest partition and offset
 *            2. all other rows are written, quarantine, ledger, positions
 *            3. the commit journal names the Parquet files, they get their final names, the transaction is committed
 *
 * A group for which there is not enough memory is committed in parts, in a transaction each, down to one batch.
 *
 * The other rows are new, so step 2 is a plain INSERT. Nothing can come between them: DuckDB's file lock excludes other
 * processes, and this object is the only writer inside. While one group is committed, the next one is
 * staged beside it.
 */
import { existsSync } from 'node:fs';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { assert, isOutOfMemory, sinkError } from '../../core/errors.js';
import { outcomeOf } from '../../core/failed-expectations.js';
import {
  type BatchResult,
  type CommitReceipt,
  type CompactionReceipt,
  type KnownTopic,
  NOTHING_COMPACTED,
  type OffsetGap,
  type PartitionStart,
  type SinkPosition,
  type SinkState,
} from '../../core/flow.js';
import type { ReplayOutcome, ReplayPiece, ReplayTarget } from '../../core/replay.js';
import type { Sink } from '../../core/sink.js';
import { Turns } from '../../core/turns.js';
import { RunningQueries } from '../../query/running-queries.js';
import { databasePath } from '../../storage/data-dir.js';
import { removeJournal } from './commit-journal.js';
import { CommitMemory } from './commit-memory.js';
import type { CompactionOptions, CompactionWork } from './compaction.js';
import { createDatabase, type DatabaseOptions, openDatabase } from './database.js';
import { type ChangeLog, changeLog, NO_SEQUENCE } from './duplicates.js';
import {
  type CommitGroup,
  clearStaging,
  combineReceipts,
  emptyGroup,
  filesOf,
  publishGroup,
  type Receipt,
  writeError,
  writeGroup,
} from './group-transaction.js';
import { insertPositions, readKnownTopic, readPositions, writeGaps, writeIdentity } from './ledger.js';
import { openDirectory } from './opening.js';
import { makeFolders, refuseOrphans, withdraw } from './recovery.js';
import { Replay } from './replay.js';
import { readKnownIds } from './retention-tables.js';
import type { RetentionSettings, StateKind } from './settings.js';
import { openStagedRows, type StagedRows, type StagingOptions } from './staged-rows.js';
import { Upkeep } from './upkeep.js';

export interface DuckDbSinkOptions extends DatabaseOptions, StagingOptions {
  readonly topic: string;
  readonly compaction: CompactionOptions;
  readonly retention: RetentionSettings;
  /** What the view of the newest state reads; undefined: as it is. */
  readonly state?: StateKind | undefined;
  readonly maskKeyId?: string | undefined;
}

export class DuckDbSink implements Sink, ReplayTarget {
  /** DuckDB lets one process write to a file. */
  readonly needsWholeTopic = true;
  readonly #options: DuckDbSinkOptions;
  #instance: DuckDBInstance | undefined;
  #connection: DuckDBConnection | undefined;
  #stagingConnection: DuckDBConnection | undefined;
  #upkeep: Upkeep | undefined;
  #replay: Replay | undefined;
  #group: CommitGroup | undefined;
  #otherStaging: StagedRows | undefined;
  /** A group whose commit failed and is to be tried again. */
  #failedGroup: CommitGroup | undefined;
  readonly #commits = new Turns();
  #lastCommit = 0;
  readonly #log: ChangeLog;
  readonly #queries: RunningQueries;
  #memory: CommitMemory | undefined;

  /** @param queries those that share the database's memory with the commits */
  constructor(options: DuckDbSinkOptions, queries = new RunningQueries()) {
    this.#options = options;
    this.#queries = queries;
    this.#log = changeLog(options.topic, options.spec);
  }

  /** A connection that reads beside the commits. */
  connect(): Promise<DuckDBConnection> {
    assert(this.#instance !== undefined, 'the sink is open');
    return this.#instance.connect();
  }

  async open(): Promise<SinkState> {
    const { dataDir, topic } = this.#options;
    const database = databasePath(dataDir);
    makeFolders(dataDir, topic);
    if (!existsSync(database)) {
      refuseOrphans(dataDir, topic);
      await createDatabase(this.#options);
    }
    this.#instance = await openDatabase(database, this.#options);
    this.#connection = await this.#instance.connect();
    this.#stagingConnection = await this.#instance.connect();
    this.#memory = await CommitMemory.open(this.#instance, this.#queries, this.#options.memoryLimit);
    try {
      await this.#connection.run(`ATTACH ':memory:' AS staging`);
      const { ledger, removed, issueBits } = await openDirectory(this.#connection, this.#options);
      this.#lastCommit = ledger.lastCommit;
      await readKnownIds(this.#connection, this.#log);
      await this.#memory.storeLongStrings(this.#connection);
      this.#upkeep = await Upkeep.open(this.#instance, this.#options, { queries: this.#queries, memory: this.#memory });
      const parts = { log: this.#log, memory: this.#memory, commits: this.#commits, upkeep: this.#upkeep };
      this.#replay = await Replay.open(this.#instance, this.#options, parts);
      this.#group = emptyGroup(await openStagedRows(this.#stagingConnection, this.#options, 'rows_0'));
      this.#otherStaging = await openStagedRows(this.#stagingConnection, this.#options, 'rows_1');
      return { identity: await readKnownTopic(this.#connection, topic), issueBits, removed };
    } catch (thrown) {
      await this.close();
      throw sinkError(thrown, 'the data directory cannot be opened');
    }
  }

  setIdentity(identity: KnownTopic): Promise<KnownTopic> {
    return this.#commits.take(() => writeIdentity(this.#connection!, identity));
  }

  claim(partitions: readonly number[]): Promise<SinkPosition[]> {
    return this.#commits.take(() => this.#positions(partitions));
  }

  /** Nothing to do: the file's lock is held for the whole topic until the sink is closed. */
  async release(): Promise<void> {}

  initPositions(starts: readonly PartitionStart[]): Promise<SinkPosition[]> {
    return this.#commits.take(async () => {
      await insertPositions(this.#connection!, this.#options.topic, starts);
      return await this.#positions(starts.map(({ partition }) => partition));
    });
  }

  recordGaps(gaps: readonly OffsetGap[]): Promise<SinkPosition[]> {
    return this.#commits.take(async () => {
      await this.#run('BEGIN');
      try {
        await writeGaps(this.#connection!, this.#options.topic, gaps, this.#lastCommit + 1);
        return await this.#decide(gaps);
      } catch (thrown) {
        await this.#connection!.run('ROLLBACK').catch(() => {});
        throw sinkError(thrown, 'lost offsets cannot be recorded');
      }
    });
  }

  async stage(batch: BatchResult): Promise<void> {
    assert(this.#group !== undefined, 'the sink is open');
    assert(batch.nextOffset > batch.startOffset, 'a batch covers at least one offset');
    const { staging, batches } = this.#group;
    const startMs = performance.now();
    try {
      await staging.append(batch);
    } catch (thrown) {
      throw sinkError(thrown, 'a batch cannot be staged');
    }
    // The rows are staged now; their Arrow form would only hold memory.
    const stats = { ...batch.stats, stageSeconds: (performance.now() - startMs) / 1e3 };
    batches.push({ ...batch, arrow: undefined, stats });
  }

  async commit(): Promise<CommitReceipt> {
    const group = this.#failedGroup ?? this.#takeGroup();
    this.#failedGroup = undefined;
    return await this.#commits.take(() => this.#commit(group));
  }

  async #commit(group: CommitGroup): Promise<CommitReceipt> {
    const startMs = performance.now();
    const { staging, batches, receipts } = group;
    let size = batches.length;
    do {
      const part = batches.slice(0, size);
      const written = await this.#write(group, part);
      if (written === undefined) {
        size = Math.ceil(size / 2);
        continue;
      }
      receipts.push(await this.#finish(part, written));
      batches.splice(0, size);
    } while (batches.length > 0);
    await clearStaging(staging);
    this.#otherStaging = staging;
    return { ...combineReceipts(receipts), commitSeconds: (performance.now() - startMs) / 1e3 };
  }

  /**
   * Does all of a transaction but the COMMIT, or nothing.
   * @param part the first batches of the group that are left
   * @returns them, with what became of their rows; undefined if they need more memory together than there is
   */
  async #write(group: CommitGroup, part: readonly BatchResult[]): Promise<BatchResult[] | undefined> {
    const connection = this.#connection!;
    const relation = group.staging.relation(part);
    const transaction = { ...this.#options, log: this.#log, commitId: this.#lastCommit + 1, relation, batches: part };
    try {
      const written = await this.#memory!.write(connection, async () => {
        await this.#run('BEGIN');
        return await writeGroup(connection, transaction);
      });
      if (part.length > 1 && (await this.#memory!.hasWrittenTooMuch())) {
        await this.#run('ROLLBACK');
        return undefined;
      }
      publishGroup(transaction, filesOf(part));
      return written;
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      if (isOutOfMemory(thrown) && part.length > 1) return undefined;
      const error = writeError(part, thrown);
      if (error.retryable) this.#failedGroup = group;
      else withdraw(filesOf(group.batches));
      throw error;
    }
  }

  /** Commits what was written. */
  async #finish(part: readonly BatchResult[], written: readonly BatchResult[]): Promise<Receipt> {
    try {
      const positions = await this.#decide(part);
      const outcome = outcomeOf(written);
      removeJournal(this.#options.dataDir);
      const { maxChangeSeq = NO_SEQUENCE, merged } = outcome.stats;
      if (maxChangeSeq > this.#log.maxChangeSeq) this.#log.maxChangeSeq = maxChangeSeq;
      this.#upkeep!.committed(filesOf(part).length, merged);
      await this.#memory!.storeLongStrings(this.#connection!);
      return { positions, ...outcome };
    } catch (thrown) {
      // A COMMIT that failed may still be in the log: the files stay, and the next start asks the ledger.
      throw sinkError(thrown, 'a commit group cannot be committed').forGood();
    }
  }

  /** The group that was gathered; the next one is gathered beside it. */
  #takeGroup(): CommitGroup {
    const [group, staging] = [this.#group, this.#otherStaging];
    assert(group !== undefined && staging !== undefined, 'the sink is open, and one commit at a time');
    group.staging.flush();
    this.#group = emptyGroup(staging);
    this.#otherStaging = undefined;
    return group;
  }

  /** @param work default: joins if there are too many new files */
  async compact(work?: CompactionWork): Promise<CompactionReceipt> {
    return (await this.#upkeep?.run(work)) ?? NOTHING_COMPACTED;
  }

  replay(piece: ReplayPiece): Promise<ReplayOutcome | undefined> {
    assert(this.#replay !== undefined, 'the sink is open');
    return this.#replay.take(piece);
  }

  /** Begins no commit, and waits for the running one: a connection must not go while DuckDB works on it. */
  async close(): Promise<void> {
    await Promise.all([this.#commits.close(), this.#upkeep?.close(), this.#replay?.close()]);
    await this.#memory?.close();
    this.#stagingConnection?.closeSync();
    this.#connection?.closeSync();
    this.#instance?.closeSync();
    this.#instance = this.#connection = this.#upkeep = this.#replay = this.#memory = undefined;
    this.#group = this.#failedGroup = undefined;
  }

  /** Commits. @returns the positions that moved */
  async #decide(moves: readonly { readonly partition: number }[]): Promise<SinkPosition[]> {
    return await this.#memory!.commit(async () => {
      await this.#run('COMMIT');
      this.#lastCommit++;
      return await this.#positions(moves.map(({ partition }) => partition));
    });
  }

  async #positions(partitions: readonly number[]): Promise<SinkPosition[]> {
    const wanted = new Set(partitions);
    const { topic } = this.#options;
    return (await readPositions(this.#connection!, topic)).filter(({ partition }) => wanted.has(partition));
  }

  async #run(sql: string): Promise<void> {
    await this.#connection!.run(sql);
  }
}
