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
import { relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { combineStats } from '../../core/batch-stats.js';
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
import { databasePath } from '../../storage/data-dir.js';
import { removeJournal, writeJournal } from './commit-journal.js';
import { Compaction, type CompactionOptions } from './compaction.js';
import { createDatabase, type DatabaseOptions, openDatabase } from './database.js';
import { type ChangeLog, DUPLICATES, findDuplicates, NO_SEQUENCE } from './duplicates.js';
import { FileStaging } from './file-staging.js';
import {
  insertPositions,
  type LedgerRow,
  movePositions,
  readIdentity,
  readPositions,
  writeGaps,
  writeIdentity,
  writeLedger,
  writeQuarantine,
} from './ledger.js';
import { openDirectory } from './opening.js';
import { makeFolders, publish, refuseOrphans, withdraw } from './recovery.js';
import type { StagedRows } from './staging.js';

export interface DuckDbSinkOptions extends DatabaseOptions {
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
}

export class DuckDbSink implements Sink {
  readonly #options: DuckDbSinkOptions;
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

  constructor(options: DuckDbSinkOptions) {
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
    const { dataDir, topic, compaction } = this.#options;
    const database = databasePath(dataDir);
    makeFolders(dataDir, topic);
    if (!existsSync(database)) {
      refuseOrphans(dataDir, topic);
      await createDatabase(this.#options);
    }
    this.#instance = await openDatabase(database, this.#options);
    this.#connection = await this.#instance.connect();
    this.#stagingConnection = await this.#instance.connect();
    this.#compaction = await Compaction.open(this.#instance, dataDir, topic, compaction);
    try {
      await this.#connection.run(`ATTACH ':memory:' AS staging`);
      const { ledger, removed, issueBits } = await openDirectory(this.#connection, this.#options);
      this.#lastCommit = ledger.lastCommit;
      const [{ highest }] = await rowsOf(this.#connection, `SELECT max(change_seq) AS highest FROM ${this.#log.table}`);
      this.#log.maxChangeSeq = (highest as bigint | null) ?? NO_SEQUENCE;
      this.#group = { staging: await this.#newStaging('rows_0'), batches: [] };
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

  commit(): Promise<CommitReceipt> {
    const receipt = this.#commit();
    this.#committing = receipt.catch(() => {});
    return receipt;
  }

  async #commit(): Promise<CommitReceipt> {
    assert(this.#group !== undefined && this.#otherStaging !== undefined, 'the sink is open, and one commit at a time');
    const startMs = performance.now();
    const { staging, batches } = this.#group;
    staging.flush();
    this.#group = { staging: this.#otherStaging, batches: [] };
    this.#otherStaging = undefined;
    const files = batches.flatMap(({ file }) => (file === undefined ? [] : [file]));
    let written: BatchResult[];
    try {
      written = await this.#write(staging, batches);
      if (files.length > 0) this.#publish(files);
    } catch (thrown) {
      await this.#connection!.run('ROLLBACK').catch(() => {});
      withdraw(files);
      throw sinkError(thrown, 'a commit group cannot be written');
    }
    try {
      const positions = await this.#decide(batches);
      const stats = combineStats(written.map((batch) => batch.stats));
      removeJournal(this.#options.dataDir);
      const { maxChangeSeq = NO_SEQUENCE } = stats;
      if (maxChangeSeq > this.#log.maxChangeSeq) this.#log.maxChangeSeq = maxChangeSeq;
      this.#newFiles += files.length;
      await staging.clear();
      this.#otherStaging = staging;
      return { positions, stats, commitSeconds: (performance.now() - startMs) / 1e3 };
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
   * @returns the batches, with what became of their rows
   */
  async #write({ relation }: StagedRows, batches: readonly BatchResult[]): Promise<BatchResult[]> {
    const { topic } = this.#options;
    const connection = this.#connection!;
    const hasRows = batches.some(({ stats }) => stats.ok > 0);
    const duplicates = hasRows ? await findDuplicates(connection, this.#log, relation, batches) : [];
    const repeated = new Map(duplicates.map(({ batch, rows }) => [batch, rows]));
    const written = batches.map((batch, index) => {
      const duplicate = repeated.get(index) ?? 0;
      return { ...batch, stats: { ...batch.stats, merged: batch.stats.ok - duplicate, duplicate } };
    });
    await this.#run('BEGIN');
    if (hasRows) {
      const but = duplicates.length === 0 ? '' : `ANTI JOIN ${DUPLICATES} USING (kafka_partition, kafka_offset)`;
      await this.#run(`INSERT INTO ${this.#log.table} BY NAME FROM ${relation} ${but}`);
    }
    await writeQuarantine(connection, topic, batches);
    const rows = written.map(({ file, ...batch }): LedgerRow => {
      return { ...batch, kind: 'consume', file: file && { name: this.#nameOf(file), bytes: file.bytes } };
    });
    await writeLedger(connection, topic, this.#lastCommit + 1, rows);
    await movePositions(connection, topic, batches);
    return written;
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
