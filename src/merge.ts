/**
 * The sink: Arrow → DuckDB, one transaction per commit group.
 *
 *   stage    the group's rows go into a table in memory, its quarantined messages and ledger rows are kept
 *   commit   1. duplicates leave the staging table: of each change id the lowest partition and offset stays, and none
 *               that the change log has already
 *            2. the Parquet files get their final names
 *            3. one transaction: rows, quarantine, ledger, positions
 *
 * What step 1 leaves is new, so that step 3 is a plain INSERT. Nothing can come between them: DuckDB's file lock keeps
 * every other process out, and this object is the only writer inside. While one group is committed, the next one is
 * staged into the other of two staging tables.
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { Compaction, type CompactionOptions } from './compaction.js';
import { type DatabaseOptions, openDatabase } from './database.js';
import { identifier, literal, migrate, rowsOf } from './ddl.js';
import { assert, sinkError } from './errors.js';
import type {
  BatchResult,
  CommitReceipt,
  CompactionReceipt,
  LedgerTotals,
  ParquetFile,
  Sink,
  SinkPosition,
} from './flow.js';
import { insertPositions, movePositions, readPositions, writeLedger, writeQuarantine } from './ledger.js';
import { makeFolders, publish, reconcileFiles, refuseOrphans, withdraw } from './recovery.js';
import { roleColumn, type TableSpec } from './spec.js';
import { BATCH_COLUMN, Staging } from './staging.js';

export interface MergeOptions extends DatabaseOptions {
  readonly topic: string;
  readonly spec: TableSpec;
  readonly compaction: CompactionOptions;
}

/** Resume tokens give a change_seq; any other change id has 0. */
const NO_SEQUENCE = 0n;

/** One commit group while it is gathered. */
interface Group {
  readonly staging: Staging;
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
  #otherStaging: Staging | undefined;
  #maxChangeSeq = NO_SEQUENCE;
  #committing: Promise<unknown> = Promise.resolve();
  readonly #table: string;
  readonly #changeId: string;

  constructor(options: MergeOptions) {
    this.#options = options;
    this.#table = identifier(options.spec.table);
    this.#changeId = identifier(roleColumn(options.spec, 'change_id')!.name);
  }

  /** The database, for connections that read beside the commits. */
  get instance(): DuckDBInstance {
    assert(this.#instance !== undefined, 'the sink is open');
    return this.#instance;
  }

  async open(): Promise<SinkPosition[]> {
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
      await migrate(this.#connection, spec, topic);
      const files = await rowsOf(
        this.#connection,
        'SELECT DISTINCT file, file_bytes FROM sluice.batches WHERE file IS NOT NULL',
      );
      reconcileFiles(dataDir, topic, new Map(files.map(({ file, file_bytes }) => [String(file), Number(file_bytes)])));
      const [{ highest }] = await rowsOf(this.#connection, `SELECT max(change_seq) AS highest FROM ${this.#table}`);
      this.#maxChangeSeq = (highest as bigint | null) ?? NO_SEQUENCE;
      const [one, other] = ['rows_0', 'rows_1'].map(
        (table) => new Staging(this.#stagingConnection!, spec, 'staging', table),
      );
      await one.clear();
      await other.clear();
      this.#group = { staging: one, batches: [], stageSeconds: [] };
      this.#otherStaging = other;
      return await this.#positions();
    } catch (thrown) {
      await this.close();
      throw sinkError(thrown, 'the data directory cannot be opened');
    }
  }

  async initPositions(positions: readonly { partition: number; nextOffset: number }[]): Promise<void> {
    await insertPositions(this.#connection!, this.#options.topic, positions);
  }

  async stage(batch: BatchResult): Promise<void> {
    assert(this.#group !== undefined, 'the sink is open');
    assert(batch.nextOffset > batch.startOffset, 'a batch covers at least one offset');
    const { staging, batches, stageSeconds } = this.#group;
    const startMs = performance.now();
    try {
      await staging.append(batch, batches.length);
    } catch (thrown) {
      throw sinkError(thrown, 'a batch cannot be staged');
    }
    // The rows are in the staging table now; their Arrow form would only hold memory.
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
      merged = await this.#removeDuplicates(staging, batches);
      publish(files);
      await this.#write(staging, batches, merged, stageSeconds);
    } catch (thrown) {
      await this.#connection!.run('ROLLBACK').catch(() => {});
      withdraw(files);
      throw sinkError(thrown, 'a commit group cannot be written');
    }
    try {
      const positions = await this.#decide(staging, batches);
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

  async totals(): Promise<LedgerTotals> {
    const [row] = await rowsOf(
      this.#connection!,
      `SELECT count(*) AS batches, sum(rows_consumed) AS rowsConsumed, sum(rows_merged) AS rowsMerged,
       sum(rows_duplicate) AS rowsDuplicate, sum(rows_quarantined) AS rowsQuarantined,
       sum(rows_tombstone) AS rowsTombstone FROM sluice.batches WHERE topic = ${literal(this.#options.topic)}`,
    );
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value ?? 0)])) as never;
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
   * Leaves in the staging table what the change log gets.
   * @returns rows per batch that stay
   */
  async #removeDuplicates(staging: Staging, batches: readonly BatchResult[]): Promise<number[]> {
    const rows = batches.reduce((sum, { counts }) => sum + counts.ok, 0);
    if (rows === 0) return batches.map(() => 0);
    const { name } = staging;
    const id = this.#changeId;
    await this.#run(
      `DELETE FROM ${name} WHERE rowid IN (
         SELECT rowid FROM (
           SELECT rowid, row_number() OVER (PARTITION BY ${id} ORDER BY kafka_partition, kafka_offset) AS nth
           FROM ${name} SEMI JOIN (SELECT ${id} FROM ${name} GROUP BY ${id} HAVING count(*) > 1) USING (${id}))
         WHERE nth > 1)`,
    );
    // Ids that grow with time and are all above the highest known one cannot be in the change log.
    const lowest = batches.reduce<bigint | undefined>(
      (low, { counts, minChangeSeq }) =>
        counts.ok > 0 && (low === undefined || minChangeSeq < low) ? minChangeSeq : low,
      undefined,
    );
    if (lowest === undefined || lowest === NO_SEQUENCE || lowest <= this.#maxChangeSeq) {
      await this.#run(
        `DELETE FROM ${name} WHERE rowid IN (
           SELECT new.rowid FROM ${name} new JOIN ${this.#table} known
           ON known.change_seq = new.change_seq AND known.${id} = new.${id})`,
      );
    }
    const kept = await rowsOf(
      this.#connection!,
      `SELECT ${BATCH_COLUMN} AS batch, count(*) AS rows FROM ${name} GROUP BY ALL`,
    );
    const merged = batches.map(() => 0);
    for (const { batch, rows } of kept) merged[Number(batch)] = Number(rows);
    return merged;
  }

  /** Opens the transaction and does all of it but the COMMIT. */
  async #write(
    staging: Staging,
    batches: readonly BatchResult[],
    merged: readonly number[],
    stageSeconds: readonly number[],
  ): Promise<void> {
    const { topic, dataDir } = this.#options;
    const connection = this.#connection!;
    await this.#run('BEGIN');
    await this.#run(`INSERT INTO ${this.#table} BY NAME SELECT * EXCLUDE (${BATCH_COLUMN}) FROM ${staging.name}`);
    await writeQuarantine(connection, topic, batches);
    const fileOf = (file: ParquetFile) => relative(dataDir, file.path);
    await writeLedger(connection, topic, batches, merged, stageSeconds, fileOf);
    await movePositions(connection, topic, batches);
  }

  /** Commits. @returns the positions that moved */
  async #decide(staging: Staging, batches: readonly BatchResult[]): Promise<SinkPosition[]> {
    await this.#run('COMMIT');
    const [{ highest }] = await rowsOf(this.#connection!, `SELECT max(change_seq) AS highest FROM ${staging.name}`);
    if (highest !== null && (highest as bigint) > this.#maxChangeSeq) this.#maxChangeSeq = highest as bigint;
    const moved = new Set(batches.map(({ partition }) => partition));
    return (await this.#positions()).filter(({ partition }) => moved.has(partition));
  }

  #positions(): Promise<SinkPosition[]> {
    return readPositions(this.#connection!, this.#options.topic);
  }

  async #run(sql: string): Promise<void> {
    await this.#connection!.run(sql);
  }
}
