/**
 * The sink: one DuckDB transaction per commit group.
 *
 *   stage    the group's rows are kept as a relation: a table in memory that is filled from Arrow, or the Parquet files
 *            of its batches; its quarantined messages and ledger rows are kept as they are
 *   commit   1. duplicates are found: of each change id the lowest partition and offset stays, and none that the change
 *               log has already
 *            2. in one transaction: all other rows, quarantine, ledger, positions
 *            3. the commit journal names the Parquet files, they get their final names, the transaction is committed
 *
 * What step 1 leaves is new, so that step 2 is a plain INSERT. Nothing can come between them: DuckDB's file lock keeps
 * every other process out, and this object is the only writer inside. While one group is committed, the next one is
 * staged beside it.
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { assert, sinkError } from '../../core/errors.js';
import type {
  BatchResult,
  CommitReceipt,
  CompactionReceipt,
  MergeFrom,
  OffsetGap,
  ParquetFile,
  PartitionStart,
  Sink,
  SinkPosition,
  SinkState,
  TopicIdentity,
} from '../../core/flow.js';
import { identifier, rowsOf } from '../../core/sql.js';
import { roleColumn, type TableSpec } from '../../schema/spec.js';
import { removeJournal, writeJournal } from './commit-journal.js';
import { Compaction, type CompactionOptions } from './compaction.js';
import { type DatabaseOptions, openDatabase } from './database.js';
import { migrate } from './ddl.js';
import { type ChangeLog, DUPLICATES, findDuplicates, NO_SEQUENCE } from './duplicates.js';
import { FileStaging } from './file-staging.js';
import {
  insertPositions,
  movePositions,
  readIdentity,
  readLedgerState,
  readPositions,
  writeGaps,
  writeIdentity,
  writeLedger,
  writeQuarantine,
} from './ledger.js';
import { explainFiles, makeFolders, publish, reconcileFiles, refuseOrphans, withdraw } from './recovery.js';
import type { StagedRows } from './staging.js';
import { hasOldNames, upgradeFolders } from './upgrade.js';

export interface MergeOptions extends DatabaseOptions {
  readonly topic: string;
  readonly spec: TableSpec;
  /** Where the rows of a transaction come from. */
  readonly mergeFrom: MergeFrom;
  readonly compaction: CompactionOptions;
}

/** One commit group while it is gathered. */
interface Group {
  readonly staging: StagedRows;
  readonly batches: BatchResult[];
  readonly stageSeconds: number[];
}

export class Merge implements Sink {
  readonly #options: MergeOptions;
  #instance: DuckDBInstance | undefined;
  #connection: DuckDBConnection | undefined;
  #stagingConnection: DuckDBConnection | undefined;
  #compaction: Compaction | undefined;
  /** Files made since the last compaction looked; before the first look, nobody knows how many there are. */
  #newFiles = Number.POSITIVE_INFINITY;
  #group: Group | undefined;
  #otherStaging: StagedRows | undefined;
  #committing: Promise<unknown> = Promise.resolve();
  #lastCommit = 0;
  readonly #log: ChangeLog;

  constructor(options: MergeOptions) {
    this.#options = options;
    this.#log = {
      table: identifier(options.spec.table),
      changeId: identifier(roleColumn(options.spec, 'change_id')!.name),
      maxChangeSeq: NO_SEQUENCE,
    };
  }

  /** The database, for connections that read beside the commits. */
  get instance(): DuckDBInstance {
    assert(this.#instance !== undefined, 'the sink is open');
    return this.#instance;
  }

  async open(): Promise<SinkState> {
    const { dataDir, topic, spec, compaction } = this.#options;
    const database = join(dataDir, 'analytics.db');
    makeFolders(dataDir, topic);
    if (!existsSync(database)) refuseOrphans(dataDir, topic);
    this.#instance = await openDatabase(database, this.#options);
    this.#connection = await this.#instance.connect();
    this.#stagingConnection = await this.#instance.connect();
    this.#compaction = await Compaction.open(this.#instance, dataDir, topic, compaction);
    try {
      await this.#connection.run(`ATTACH ':memory:' AS staging`);
      const found = await readLedgerState(this.#connection);
      if (!hasOldNames(found)) explainFiles(dataDir, topic, found);
      const issueBits = await migrate(this.#connection, spec, topic);
      await upgradeFolders(this.#connection, dataDir, topic);
      const ledger = await readLedgerState(this.#connection);
      this.#lastCommit = ledger.lastCommit;
      const removed = reconcileFiles(dataDir, topic, ledger);
      const [{ highest }] = await rowsOf(this.#connection, `SELECT max(change_seq) AS highest FROM ${this.#log.table}`);
      this.#log.maxChangeSeq = (highest as bigint | null) ?? NO_SEQUENCE;
      this.#group = { staging: await this.#newStaging('rows_0'), batches: [], stageSeconds: [] };
      this.#otherStaging = await this.#newStaging('rows_1');
      const [positions, identity] = [await this.#positions(), await readIdentity(this.#connection)];
      return { positions, identity, issueBits, removed };
    } catch (thrown) {
      await this.close();
      throw sinkError(thrown, 'the data directory cannot be opened');
    }
  }

  async #newStaging(table: string): Promise<StagedRows> {
    if (this.#options.mergeFrom === 'parquet') return new FileStaging();
    // Loaded where it is needed: Arrow's library takes a while.
    const { ArrowStaging } = await import('./staging.js');
    const staging = new ArrowStaging(this.#stagingConnection!, this.#options.spec, 'staging', table);
    await staging.clear();
    return staging;
  }

  async setIdentity(identity: TopicIdentity): Promise<void> {
    await writeIdentity(this.#connection!, identity);
  }

  async initPositions(starts: readonly PartitionStart[]): Promise<void> {
    await insertPositions(this.#connection!, this.#options.topic, starts);
  }

  async recordGaps(gaps: readonly OffsetGap[]): Promise<SinkPosition[]> {
    await this.#committing;
    await this.#run('BEGIN');
    try {
      await writeGaps(this.#connection!, this.#options.topic, gaps, this.#lastCommit + 1);
      return await this.#decide(gaps);
    } catch (thrown) {
      await this.#connection!.run('ROLLBACK').catch(() => {});
      throw sinkError(thrown, 'lost offsets cannot be recorded');
    }
  }

  async stage(batch: BatchResult): Promise<void> {
    assert(this.#group !== undefined, 'the sink is open');
    assert(batch.nextOffset > batch.startOffset, 'a batch covers at least one offset');
    const { staging, batches, stageSeconds } = this.#group;
    const startMs = performance.now();
    try {
      await staging.append(batch);
    } catch (thrown) {
      throw sinkError(thrown, 'a batch cannot be staged');
    }
    // The rows are staged now; their Arrow form would only hold memory.
    batches.push({ ...batch, arrow: undefined });
    stageSeconds.push((performance.now() - startMs) / 1e3);
  }

  commit(): Promise<CommitReceipt> {
    const receipt = this.#commit();
    this.#committing = receipt.catch(() => {});
    return receipt;
  }

  async #commit(): Promise<CommitReceipt> {
    assert(this.#group !== undefined && this.#otherStaging !== undefined, 'the sink is open, and one commit at a time');
    const startMs = performance.now();
    const { staging, batches, stageSeconds } = this.#group;
    staging.flush();
    this.#group = { staging: this.#otherStaging, batches: [], stageSeconds: [] };
    this.#otherStaging = undefined;
    const files = batches.flatMap(({ file }) => (file === undefined ? [] : [file]));
    let merged: number[];
    try {
      merged = await this.#write(staging, batches, stageSeconds);
      if (files.length > 0) this.#publish(files);
    } catch (thrown) {
      await this.#connection!.run('ROLLBACK').catch(() => {});
      withdraw(files);
      throw sinkError(thrown, 'a commit group cannot be written');
    }
    try {
      const positions = await this.#decide(batches);
      removeJournal(this.#options.dataDir);
      for (const { maxChangeSeq } of batches) {
        if (maxChangeSeq > this.#log.maxChangeSeq) this.#log.maxChangeSeq = maxChangeSeq;
      }
      this.#newFiles += files.length;
      await staging.clear();
      this.#otherStaging = staging;
      const sum = (of: (batch: BatchResult, index: number) => number) =>
        batches.reduce((total, batch, index) => total + of(batch, index), 0);
      return {
        positions,
        rowsMerged: sum((_, index) => merged[index]),
        rowsDuplicate: sum(({ counts }, index) => counts.ok - merged[index]),
        rowsQuarantined: sum(({ quarantined }) => quarantined.length),
        mergeSeconds: (performance.now() - startMs) / 1e3 + stageSeconds.reduce((a, b) => a + b, 0),
      };
    } catch (thrown) {
      // A COMMIT that failed may still be in the log: the files stay, and the next start asks the ledger.
      throw sinkError(thrown, 'a commit group cannot be committed');
    }
  }

  /** @param everything joins as much as fits, however few files there are */
  async compact(everything = false): Promise<CompactionReceipt> {
    const { afterFiles } = this.#options.compaction;
    const isDue = everything || (afterFiles > 0 && this.#newFiles > afterFiles);
    if (!isDue) return { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0 };
    this.#newFiles = 0;
    return await this.#compaction!.run(everything);
  }

  /** Waits for a running commit: a connection must not go while DuckDB works on it. */
  async close(): Promise<void> {
    await Promise.all([this.#committing, this.#compaction?.close()]);
    this.#stagingConnection?.closeSync();
    this.#connection?.closeSync();
    this.#instance?.closeSync();
    this.#instance = undefined;
    this.#connection = undefined;
    this.#compaction = undefined;
    this.#group = undefined;
  }

  /**
   * Opens the transaction and does all of it but the COMMIT.
   * @returns how many rows of each batch are merged
   */
  async #write(
    { relation }: StagedRows,
    batches: readonly BatchResult[],
    stageSeconds: readonly number[],
  ): Promise<number[]> {
    const { topic } = this.#options;
    const connection = this.#connection!;
    const merged = batches.map(({ counts }) => counts.ok);
    const hasRows = merged.some((rows) => rows > 0);
    const duplicates = hasRows ? await findDuplicates(connection, this.#log, relation, batches) : [];
    for (const { batch, rows } of duplicates) merged[batch] -= rows;
    await this.#run('BEGIN');
    if (hasRows) {
      const but = duplicates.length === 0 ? '' : `ANTI JOIN ${DUPLICATES} USING (kafka_partition, kafka_offset)`;
      await this.#run(`INSERT INTO ${this.#log.table} BY NAME FROM ${relation} ${but}`);
    }
    await writeQuarantine(connection, topic, batches);
    const fileOf = (file: ParquetFile) => this.#nameOf(file);
    await writeLedger(connection, topic, batches, { merged, stageSeconds, commitId: this.#lastCommit + 1, fileOf });
    await movePositions(connection, topic, batches);
    return merged;
  }

  /** Gives the files of the transaction their final names, which the journal explains until it is committed. */
  #publish(files: readonly ParquetFile[]): void {
    const names = files.map((file) => this.#nameOf(file));
    writeJournal(this.#options.dataDir, { commit: this.#lastCommit + 1, files: names });
    publish(files);
  }

  #nameOf({ path }: ParquetFile): string {
    return relative(this.#options.dataDir, path);
  }

  /** Commits. @returns the positions that moved */
  async #decide(moves: readonly { readonly partition: number }[]): Promise<SinkPosition[]> {
    await this.#run('COMMIT');
    this.#lastCommit++;
    const moved = new Set(moves.map(({ partition }) => partition));
    return (await this.#positions()).filter(({ partition }) => moved.has(partition));
  }

  #positions(): Promise<SinkPosition[]> {
    return readPositions(this.#connection!, this.#options.topic);
  }

  async #run(sql: string): Promise<void> {
    await this.#connection!.run(sql);
  }
}
