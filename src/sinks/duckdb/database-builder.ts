/** Fills a new database from Parquet files, and with what the old database still knows. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { NO_STATS } from '../../core/batch-stats.js';
import { SluiceError } from '../../core/errors.js';
import { AHEAD_MS } from '../../core/event-time.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { roleColumn, type TableSpec } from '../../schema/spec.js';
import { parseSpec } from '../../schema/spec-file.js';
import { type FileRange, RETENTION_FORMAT } from '../../storage/data-dir.js';
import { readJournal } from './commit-journal.js';
import { STORAGE_VERSION } from './database.js';
import { migrate } from './ddl.js';
import { type Inventory, type InventoryFile, parquet } from './file-inventory.js';
import { openFormat } from './format.js';
import { type LedgerRow, writeLedger } from './ledger.js';
import { moveMarkers } from './markers.js';
import { keepOld, keepOldBatches, keepOldMessages, type OldBatch, type OldDatabase } from './old-database.js';
import { openRetention } from './retention-tables.js';

export interface RebuildOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  /** Undefined: that of the old database, or `fallbackSpec`. */
  readonly spec: TableSpec | undefined;
  readonly fallbackSpec: TableSpec;
  /** Bytes. */
  readonly memoryLimit: number;
}

/** What became of a partition. Ranges are of offsets. */
export interface RebuiltPartition extends FileRange {
  /** Of which no file has rows and the old database knows nothing. */
  readonly holes: readonly FileRange[];
  readonly quarantined: number;
  /** Of those, how many the old database still had. */
  readonly quarantineKept: number;
  /** Where the old database was, if files are missing from `next` to there: their messages are read again. */
  readonly readAgainTo: number | undefined;
}

export interface BuiltDatabase {
  readonly specFrom: 'given' | 'old database' | 'fallback';
  readonly files: number;
  readonly rowsMerged: number;
  readonly rowsDuplicate: number;
  readonly markers: number;
  readonly partitions: readonly RebuiltPartition[];
  /** Files that do not count; the next start removes them. */
  readonly uncounted: readonly string[];
  /** Joined files that do not say how many messages of their ranges were quarantined or tombstones. */
  readonly uncertain: readonly string[];
}

const FILES_PER_INSERT = 200;
/** SQL relation. */
const NO_ROWS = '(SELECT 0 AS kafka_offset WHERE false)';

/** Fills a new database, attached under the name that it will have. */
export class DatabaseBuilder {
  readonly #connection: DuckDBConnection;
  readonly #options: RebuildOptions;
  readonly #inventory: Inventory;
  readonly #old: OldDatabase | undefined;
  readonly #spec: TableSpec;

  constructor(
    connection: DuckDBConnection,
    options: RebuildOptions,
    inventory: Inventory,
    old: OldDatabase | undefined,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#inventory = inventory;
    this.#old = old;
    this.#spec = options.spec ?? (old ? parseSpec(old.spec, 'of the old database') : options.fallbackSpec);
  }

  async build(path: string): Promise<BuiltDatabase> {
    const { files, redundant, unfinished } = this.#inventory;
    await this.#run(`ATTACH ${literal(path)} AS analytics (STORAGE_VERSION '${STORAGE_VERSION}'); USE analytics`);
    await this.#makeTables();
    const duplicates = await this.#insertRows();
    await this.#writeLedger(duplicates);
    await moveMarkers(this.#connection, this.#spec, this.#options.topic);
    const partitions: RebuiltPartition[] = [];
    const known = new Set([...files.map((file) => file.partition), ...(this.#old?.positions.keys() ?? [])]);
    for (const partition of [...known].sort((a, b) => a - b)) {
      partitions.push(await this.#finishPartition(partition));
    }
    // Those of the old database, too: its last commit may be the journal's, of which not all files are there.
    const commit = this.#commitId();
    if (this.#old !== undefined)
      await this.#run(`UPDATE sluice.batches SET commit_id = ${commit} WHERE commit_id > ${commit}`);
    const [{ markers }] = await rowsOf(this.#connection, 'SELECT count(*)::INTEGER AS markers FROM sluice.markers');
    await this.#run('CHECKPOINT analytics; USE memory; DETACH analytics');
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const rowsDuplicate = [...duplicates.values()].reduce((sum, count) => sum + count, 0);
    return {
      specFrom: this.#options.spec ? 'given' : this.#old ? 'old database' : 'fallback',
      files: files.length,
      rowsMerged: rows - rowsDuplicate - Number(markers),
      rowsDuplicate,
      markers: Number(markers),
      partitions,
      uncounted: [...redundant, ...unfinished],
      uncertain: files.filter(({ countsAll }) => !countsAll).map(({ name }) => name),
    };
  }

  /** Tables of the spec, and columns that only files still have: they had been in the table. */
  async #makeTables(): Promise<void> {
    const { topic } = this.#options;
    await openFormat(this.#connection, topic);
    if (this.#old !== undefined) await keepOld(this.#connection, this.#old);
    await migrate(this.#connection, this.#spec, topic);
    if ((this.#old?.format ?? 0) >= RETENTION_FORMAT) await openRetention(this.#connection);
    const text = (value: string | undefined) => (value === undefined ? 'NULL' : literal(value));
    const format = this.#old?.createdFormat ?? Math.min(...this.#inventory.files.map((file) => file.format));
    await this.#run(
      `UPDATE sluice.meta SET created_format = ${format}, cluster_id = ${text(this.#old?.clusterId)},
         topic_id = ${text(this.#old?.topicId)}`,
    );
    const table = identifier(this.#spec.table);
    const known = new Set((await rowsOf(this.#connection, `DESCRIBE ${table}`)).map((row) => row.column_name));
    for (const { column_name, column_type } of await rowsOf(this.#connection, `DESCRIBE FROM ${this.#rows()}`)) {
      if (known.has(column_name)) continue;
      await this.#run(`ALTER TABLE ${table} ADD COLUMN ${identifier(String(column_name))} ${column_type}`);
    }
  }

  /** @returns how many rows of a file, by its name, are of change ids that are there already */
  async #insertRows(): Promise<Map<string, number>> {
    const { files } = this.#inventory;
    await this.#findDuplicates();
    for (let from = 0; from < files.length; from += FILES_PER_INSERT) {
      await this.#run(
        `INSERT INTO ${identifier(this.#spec.table)} BY NAME
         FROM ${this.#rows(files.slice(from, from + FILES_PER_INSERT))}
         ANTI JOIN duplicates USING (kafka_partition, kafka_offset)`,
      );
    }
    const values = files.map(
      ({ name, partition, start, next }) => `(${literal(name)}, ${partition}, ${start}, ${next})`,
    );
    const found = await rowsOf(
      this.#connection,
      `SELECT name, count(*) AS rows FROM duplicates
       JOIN (VALUES ${values.join(', ')}) files(name, partition_id, start_offset, next_offset)
       ON partition_id = kafka_partition AND kafka_offset >= start_offset AND kafka_offset < next_offset GROUP BY name`,
    );
    return new Map(found.map(({ name, rows }) => [String(name), Number(rows)]));
  }

  /** Without a change id there are none: files of the inventory have no offset twice. */
  async #findDuplicates(): Promise<void> {
    const column = roleColumn(this.#spec, 'change_id');
    if (column === undefined) {
      await this.#run('CREATE TEMP TABLE duplicates (kafka_partition INTEGER, kafka_offset BIGINT)');
      return;
    }
    const id = identifier(column.name);
    await this.#run(
      `CREATE TEMP TABLE duplicates AS SELECT kafka_partition, kafka_offset FROM (
         SELECT kafka_partition, kafka_offset,
           row_number() OVER (PARTITION BY ${id} ORDER BY kafka_partition, kafka_offset) AS nth
         FROM ${this.#rows()}
         SEMI JOIN (SELECT ${id} FROM ${this.#rows()} GROUP BY ALL HAVING count(*) > 1) USING (${id}))
       WHERE nth > 1`,
    );
  }

  async #writeLedger(duplicates: ReadonlyMap<string, number>): Promise<void> {
    const rows = this.#inventory.files.map((file): LedgerRow => {
      const { name, bytes, schemaIds } = file;
      const duplicate = duplicates.get(name) ?? 0;
      const stats = { ...file.stats, merged: file.rows - duplicate, duplicate };
      return { ...recovered(file), file: { name, bytes }, stats, schemaIds };
    });
    await this.#insertLedger(rows);
  }

  async #insertLedger(rows: readonly LedgerRow[]): Promise<void> {
    await writeLedger(this.#connection, this.#options.topic, this.#commitId(), rows);
  }

  /** A journal explains the files of the commit after the last: those of an unfinished one are removed at the start. */
  #commitId(): number {
    return (readJournal(this.#options.dataDir)?.commit ?? 2) - 1;
  }

  /** Holes, batches after the last file, quarantine and position of a partition. */
  async #finishPartition(partition: number): Promise<RebuiltPartition> {
    const { topic } = this.#options;
    const files = this.#inventory.files.filter((file) => file.partition === partition);
    const last = files.at(-1);
    const old = this.#old?.positions.get(partition);
    const begin = Math.min(files[0]?.start ?? Infinity, old?.first ?? Infinity);
    const holes: FileRange[] = [];
    let at = begin;
    for (const { start, next } of files) {
      if (at < start) holes.push(...(await this.#fillHole({ partition, start: at, next: start })));
      at = next;
    }
    const end = await this.#keepTail(partition, at);
    // An epoch must be that of the last message before the position.
    const leaderEpoch = end === last?.next ? last.leaderEpoch : end === old?.next ? old.leaderEpoch : undefined;
    await this.#run(
      `INSERT INTO sluice.positions BY NAME
       SELECT topic: ${literal(topic)}, partition_id: ${partition}, next_offset: ${end}, first_offset: ${begin},
         start_reason: ${literal(old?.reason ?? 'unknown')}, started_at: now(),
         watermark: ${this.#watermark(partition)}, leader_epoch: ${leaderEpoch ?? 'NULL'}`,
    );
    if (this.#old !== undefined) {
      const of = { table: identifier(this.#spec.table), rows: this.#rows(files) };
      await keepOldMessages(this.#connection, this.#old, { partition, start: begin, next: end }, of);
    }
    const [{ quarantined, kept }] = await rowsOf(
      this.#connection,
      `SELECT (SELECT sum(rows_quarantined) FROM sluice.batches WHERE partition_id = ${partition}) AS quarantined,
         (SELECT count(*) FROM sluice.quarantine WHERE partition_id = ${partition}) AS kept`,
    );
    const counts = { quarantined: Number(quarantined), quarantineKept: Number(kept) };
    const readAgainTo = old !== undefined && old.next > end ? old.next : undefined;
    return { partition, start: begin, next: end, holes, ...counts, readAgainTo };
  }

  /**
   * The old database's batches without files that follow the last file, up to the first one whose file is missing.
   * @param from where that file ends, or the partition begins
   * @returns where they end
   */
  async #keepTail(partition: number, from: number): Promise<number> {
    let end = from;
    for (const batch of this.#old?.batches ?? []) {
      if (batch.partition === partition && batch.start === end && batch.file === undefined) end = batch.next;
    }
    if (end > from) await keepOldBatches(this.#connection, { partition, start: from, next: end });
    return end;
  }

  /** Highest event time of the partition's rows, as SQL; bounded as that of a batch is. */
  #watermark(partition: number): string {
    const column = roleColumn(this.#spec, 'event_time');
    if (column === undefined) return 'NULL';
    const rows = `${identifier(this.#spec.table)} WHERE kafka_partition = ${partition}`;
    const highest = `max(${identifier(column.name)})`;
    const bound = `max(coalesce(kafka_timestamp, now())) + INTERVAL ${AHEAD_MS} MILLISECONDS`;
    return `(SELECT least(${highest}, ${bound}) FROM ${rows} HAVING ${highest} IS NOT NULL)`;
  }

  /**
   * Offsets that no file has were of batches without rows, which the old database may know, or their file is gone.
   * @returns what it does not know
   * @throws SluiceError SLUICE_UNEXPLAINED_FILES if it knows that there was a file
   */
  async #fillHole(hole: FileRange): Promise<FileRange[]> {
    const { partition, start, next } = hole;
    const inHole = (this.#old?.batches ?? []).filter(
      (batch) => batch.partition === partition && batch.start < next && batch.next > start,
    );
    const lost = inHole.find(({ file }) => file !== undefined);
    if (lost !== undefined) throw fileGone(lost);
    const unknown: FileRange[] = [];
    let at = start;
    for (const batch of inHole.filter((other) => other.start >= start && other.next <= next)) {
      if (at < batch.start) unknown.push({ partition, start: at, next: batch.start });
      at = batch.next;
    }
    if (at < next) unknown.push({ partition, start: at, next });
    if (this.#old !== undefined) await keepOldBatches(this.#connection, hole);
    await this.#insertLedger(unknown.map(recovered));
    return unknown;
  }

  #rows(files: readonly InventoryFile[] = this.#inventory.files): string {
    return files.length === 0 ? NO_ROWS : parquet(files.map(({ path }) => path));
  }

  async #run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }
}

/** A row of the ledger that was not written when its messages were read. */
function recovered({ partition, start, next }: FileRange): LedgerRow {
  return { partition, startOffset: start, nextOffset: next, kind: 'recovered', stats: NO_STATS };
}

function fileGone({ file, partition, start, next }: OldBatch): SluiceError {
  return new SluiceError(
    'SLUICE_UNEXPLAINED_FILES',
    `${file} is missing, which the old database names for offsets ${start} to ${next} of partition ${partition}: put ` +
      'it back; or move analytics.db away to recover without it',
  );
}
