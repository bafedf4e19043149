/**
 * What is older than RETAIN_* leaves a data directory, beside the commits. Old is what was committed so long ago, and
 * all before it in its partition; a batch is as old as its row in the ledger.
 *
 *   changes     in transactions of PART_ROWS: they leave the change log, sluice.retired gets their ids, the ledger
 *               counts them in rows_retired. What stays is the last change of each key, type and partition, deletes
 *               too: all that the newest state is made of (newest.ts)
 *   quarantine  likewise; the ledger counts them in quarantine_retired
 *   files       one transaction: the ledger has the file under file_retired; then it is removed. Killed in between,
 *               the next start removes it
 *
 * A change that comes again is found by its id, also when it has left.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { sinkError } from '../../core/errors.js';
import type { RetiredCounts } from '../../core/flow.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import type { RunningQueries } from '../../query/running-queries.js';
import type { TableSpec } from '../../schema/spec.js';
import { BesideCommits } from './beside-commits.js';
import type { CommitMemory } from './commit-memory.js';
import { LEDGER_FILES, ledgerFile } from './ledger-files.js';
import { mergedTo } from './merged-row.js';
import { olderThan } from './retention-tables.js';
import {
  countRetired,
  deleteChanges,
  findOld,
  type MergedState,
  nextLeaving,
  PART_ROWS,
  PASS_ROWS,
  retiredRows,
  retireQuarantine,
} from './retired-rows.js';
import type { RetentionSettings } from './settings.js';
import { HAS_STATE } from './state.js';

/** For fewer rows that have left, the file is not made smaller beside commits. */
const MANY_ROWS = 100_000;
/** A pass begins so long after the last one: a tenth of the shortest age, within these bounds. */
const MIN_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 600_000;

export interface RetentionTarget {
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  readonly spec: TableSpec;
  readonly retention: RetentionSettings;
}

export interface RetentionParts {
  readonly queries: RunningQueries;
  readonly memory: CommitMemory;
  /** Called after rows have left the change log for good: row ids may have changed. */
  readonly onRowsLeft: () => Promise<void>;
}

export class Retention {
  readonly #connection: DuckDBConnection;
  readonly #beside: BesideCommits;
  readonly #target: RetentionTarget;
  readonly #parts: RetentionParts;
  readonly #pauseMs: number;
  #nextMs = performance.now();
  /** Rows whose space in the file is still taken. */
  #rowsLeft = 0;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(connection: DuckDBConnection, target: RetentionTarget, parts: RetentionParts) {
    this.#connection = connection;
    this.#beside = new BesideCommits(connection, parts.queries);
    this.#target = target;
    this.#parts = parts;
    this.#pauseMs = pauseBetween(target.retention);
  }

  /** @returns undefined if all stays */
  static async open(
    instance: DuckDBInstance,
    target: RetentionTarget,
    parts: RetentionParts,
  ): Promise<Retention | undefined> {
    if (!isRetaining(target.retention)) return undefined;
    return new Retention(await instance.connect(), target, parts);
  }

  /**
   * @param everything all that is old enough leaves now; else what a pass takes, if one is due
   * @param left counts what left, also if the rest fails
   */
  run(everything: boolean, left: RetiredCounts): Promise<void> {
    const run = this.#running.then(() => this.#run(everything, left));
    this.#running = run.catch(() => {});
    return run;
  }

  /** Gives up what is under way, which loses nothing. */
  async close(): Promise<void> {
    this.#beside.giveUp();
    await this.#running;
    this.#connection.closeSync();
  }

  async #run(everything: boolean, left: RetiredCounts): Promise<void> {
    if (!everything && performance.now() < this.#nextMs) return;
    this.#nextMs = performance.now() + this.#pauseMs;
    const { changesMs, quarantineMs, parquetMs } = this.#target.retention;
    try {
      if (changesMs !== undefined) await all(everything, () => this.#retireChanges(changesMs, left));
      await this.#freeSpace(everything);
      if (quarantineMs !== undefined) await all(everything, () => this.#retireQuarantine(quarantineMs, left));
      if (parquetMs !== undefined) left.files += await this.#retireFiles(parquetMs);
    } catch (thrown) {
      throw sinkError(thrown, 'what is older than RETAIN_CHANGES, RETAIN_QUARANTINE or RETAIN_PARQUET stays for now');
    }
  }

  /** @returns how many left */
  async #retireChanges(ageMs: number, left: RetiredCounts): Promise<number> {
    const { spec } = this.#target;
    const leaving = nextLeaving();
    const rows = await this.#transaction(async () => {
      return await findOld(this.#connection, spec, ageMs, leaving, await mergedState(this.#connection, spec));
    });
    try {
      for (let part = 0; part * PART_ROWS < rows; part++) {
        const gone = await this.#transaction(() =>
          retirePart(this.#connection, this.#target, `(FROM ${leaving} WHERE part = ${part})`),
        );
        left.changes += gone;
        this.#rowsLeft += gone;
      }
    } finally {
      await this.#connection.run(`DROP TABLE ${leaving}`).catch(() => {});
    }
    if (rows === PASS_ROWS) this.#nextMs = performance.now();
    return rows;
  }

  /** @returns how many left */
  async #retireQuarantine(ageMs: number, left: RetiredCounts): Promise<number> {
    const gone = await this.#transaction(() => retireQuarantine(this.#connection, ageMs));
    left.quarantined += gone;
    return gone;
  }

  /**
   * Writes row groups with few rows anew as fewer ones, so that the database has their blocks for new rows. If another
   * transaction is just writing, the next pass tries again.
   */
  async #freeSpace(everything: boolean): Promise<void> {
    if (this.#rowsLeft < (everything ? 1 : MANY_ROWS)) return;
    const run = (sql: string) => this.#connection.run(sql);
    try {
      await run('SET GLOBAL max_vacuum_tasks = 100');
      await this.#parts.memory.commit(() => run('CHECKPOINT'));
      this.#rowsLeft = 0;
    } catch (thrown) {
      if (!/other write transactions/.test((thrown as Error).message)) throw thrown;
    } finally {
      await run('SET GLOBAL max_vacuum_tasks = 0');
      await this.#parts.onRowsLeft();
    }
  }

  async #retireFiles(ageMs: number): Promise<number> {
    const { dataDir, topic } = this.#target;
    const old = await this.#transaction(() => findOldFiles(this.#connection, ageMs));
    if (old.length === 0) return 0;
    await this.#transaction(() =>
      this.#connection.run(
        `UPDATE sluice.batches SET file_retired = file, file = NULL, file_bytes = NULL
         WHERE topic = ${literal(topic)} AND file IN (${old.map(literal).join(', ')})`,
      ),
    );
    for (const name of old) rmSync(join(dataDir, name), { force: true });
    return old.length;
  }

  async #transaction<T>(work: () => Promise<T>): Promise<T> {
    const result = await this.#beside.write(new AbortController(), work);
    try {
      await this.#parts.memory.commit(() => this.#connection.run('COMMIT'));
    } catch (thrown) {
      await this.#connection.run('ROLLBACK').catch(() => {});
      throw thrown;
    }
    return result;
  }
}

export function isRetaining({ changesMs, quarantineMs, parquetMs }: RetentionSettings): boolean {
  return changesMs !== undefined || quarantineMs !== undefined || parquetMs !== undefined;
}

/** How long after a pass the next one begins. @param retention of which at least one age is set */
export function pauseBetween(retention: RetentionSettings): number {
  const ages = Object.values(retention).filter((age) => age !== undefined);
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, Math.min(...ages) / 10));
}

/** Without the row that tells up to where it was merged: it stays. @returns undefined if the state is no table */
async function mergedState(connection: DuckDBConnection, spec: TableSpec): Promise<MergedState | undefined> {
  const [{ has_state }] = await rowsOf(connection, HAS_STATE);
  if (has_state !== true) return undefined;
  const merged = `(FROM ${identifier(spec.table)} WHERE rowid < (${mergedTo(spec)}))`;
  return { state: 'sluice.state', merged };
}

/** @param pass returns how many left */
async function all(everything: boolean, pass: () => Promise<number>): Promise<void> {
  while ((await pass()) > 0 && everything);
}

/** @param part SQL: partitions and offsets of the rows @returns how many left */
async function retirePart(
  connection: DuckDBConnection,
  { topic, spec }: Pick<RetentionTarget, 'topic' | 'spec'>,
  part: string,
): Promise<number> {
  const ids = retiredRows(spec, topic, part);
  if (ids !== undefined) await connection.run(`INSERT INTO sluice.retired BY NAME ${ids}`);
  const gone = await deleteChanges(connection, spec, part);
  await countRetired(connection, 'rows_retired', part, gone);
  return gone;
}

/** Names of files all of whose batches are old, at most so many that a statement stays small. */
async function findOldFiles(connection: DuckDBConnection, ageMs: number): Promise<string[]> {
  const rows = await rowsOf(
    connection,
    `SELECT f.* FROM (${LEDGER_FILES}) f JOIN ${olderThan(ageMs)} USING (partition_id) WHERE "next" <= old_to
     ORDER BY partition_id, "start" LIMIT 1000`,
  );
  return rows.map((row) => ledgerFile(row).name);
}
