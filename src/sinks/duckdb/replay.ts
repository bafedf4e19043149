/**
 * Takes messages out of the quarantine that are rows now, exactly once. Their rows go where they had been if they had
 * been rows at first: into the file that has the offsets around them, or one of their batch's own if there is none.
 *
 *   1. COPY    beside the commits: the file with the rows in it, in offset order, under its temporary name; fsync
 *   2. commit  between two commits, one transaction: rows into the change log, out of the quarantine; the ledger's
 *              batches count them as rows, and have the size of the new file; sluice.replays says what became of each
 *   3. rename  over the old file
 *
 * One transaction for each piece. Killed before the COMMIT, nothing has changed, and the new file is an unfinished
 * write; killed after it, the next start renames it, as after the rewriting of a file (compaction.ts).
 */
import { renameSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { combineStats } from '../../core/batch-stats.js';
import { SluiceError, sinkError } from '../../core/errors.js';
import { AHEAD_MS } from '../../core/event-time.js';
import type { BatchResult, ParquetFile } from '../../core/flow.js';
import type { ReplayedBatch, ReplayOutcome, ReplayPiece } from '../../core/replay.js';
import { literal, rowsOf } from '../../core/sql.js';
import type { Turns } from '../../core/turns.js';
import { parquetPath, sync } from '../../storage/data-dir.js';
import { stageOfOtherSize } from '../../storage/staged-file.js';
import type { CommitMemory } from './commit-memory.js';
import type { CompactionTarget } from './compaction.js';
import { type ChangeLog, insertNew, NO_SEQUENCE } from './duplicates.js';
import { type JoinedFileOptions, writeJoinedFile } from './joined-file.js';
import { withdraw } from './recovery.js';
import {
  checkSpec,
  ledgerCounts,
  REPLAYS,
  type ReplayPlace,
  relationOf,
  replayPlaces,
  replaysOf,
  takenBy,
} from './replay-tables.js';
import { hasRetention, OF_KEPT_FILES } from './retention-tables.js';
import type { Upkeep } from './upkeep.js';

/** What a replay needs of the sink. */
export interface ReplayParts {
  readonly log: ChangeLog;
  readonly memory: CommitMemory;
  /** Of the commits: what one finds of duplicates must not change until it is committed. */
  readonly commits: Turns;
  readonly upkeep: Upkeep;
}

const INTERRUPT_EVERY_MS = 100;

/** The replay of one open database, on a connection of its own. */
export class Replay {
  readonly #options: JoinedFileOptions;
  readonly #connection: DuckDBConnection;
  readonly #parts: ReplayParts;
  #isStaging = false;
  #isClosed = false;
  #taking: Promise<unknown> = Promise.resolve();

  private constructor(options: JoinedFileOptions, connection: DuckDBConnection, parts: ReplayParts) {
    this.#options = options;
    this.#connection = connection;
    this.#parts = parts;
  }

  static async open(instance: DuckDBInstance, target: CompactionTarget, parts: ReplayParts): Promise<Replay> {
    return new Replay({ ...target, ...target.compaction }, await instance.connect(), parts);
  }

  /**
   * Takes a piece, as `ReplayTarget` says.
   * @throws SluiceError SLUICE_SPEC_CHANGED, SLUICE_DATA_DIR or SLUICE_SINK; of what was not committed nothing has
   *   changed. SLUICE_QUERY if it is closed
   */
  take(piece: ReplayPiece): Promise<ReplayOutcome | undefined> {
    const taken = this.#parts.upkeep.inTurn(() => this.#take(piece));
    this.#taking = taken.catch(() => {});
    return taken;
  }

  /** Gives up a piece that is not being committed yet; waits for one that is. No commit begins any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const interrupts = setInterval(() => this.#isStaging && this.#connection.interrupt(), INTERRUPT_EVERY_MS);
    if (this.#isStaging) this.#connection.interrupt();
    await this.#taking;
    clearInterval(interrupts);
    this.#connection.closeSync();
  }

  async #take(piece: ReplayPiece): Promise<ReplayOutcome | undefined> {
    checkSpec(this.#options.spec, piece);
    this.#refuseIfClosed();
    const place = await this.#placeOf(piece);
    if (place === undefined) return undefined;
    const file = await this.#stage(place, piece.batches);
    let isBegun = false;
    const commit = () => {
      isBegun = true;
      return this.#commit(place, piece.batches, file);
    };
    return await this.#parts.commits.take(commit).catch(async (thrown) => {
      if (!isBegun) await this.#giveBack(file);
      throw thrown;
    });
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new SluiceError('SLUICE_QUERY', 'the running process is ending');
  }

  /** @returns undefined if one of its batches has no such message, or left with its file */
  async #placeOf({ batches }: ReplayPiece): Promise<ReplayPlace | undefined> {
    const isKept = (await hasRetention(this.#connection)) ? OF_KEPT_FILES : 'true';
    const places = await replayPlaces((sql) => rowsOf(this.#connection, sql), `${takenBy(batches)} AND ${isKept}`);
    const [place] = places;
    return places.length === 1 && place.batches.length === batches.length ? place : undefined;
  }

  /**
   * Writes the place's file with the new rows. Its metadata is what the ledger will count: it does, in a transaction
   * that is taken back.
   * @returns undefined if there are no rows
   */
  async #stage(place: ReplayPlace, batches: readonly ReplayedBatch[]): Promise<ParquetFile | undefined> {
    const { dataDir, topic } = this.#options;
    const paths = batches.flatMap(({ file }) => (file === undefined ? [] : [file.tempPath]));
    if (paths.length === 0) return undefined;
    const { partition, start, next } = place;
    const path = place.file ? join(dataDir, place.file.name) : parquetPath(dataDir, topic, partition, start, next);
    // Of a new file, the first of those tells what its metadata says.
    const [first, ...others] = paths;
    const known = place.file ?? { ...place, name: relative(dataDir, first), bytes: 0, batches: 1, rows: 0 };
    const added = place.file === undefined ? others : paths;
    this.#isStaging = true;
    try {
      await this.#run('BEGIN');
      // How many of the rows are duplicates, it does not say.
      const asRows = batches.map((batch) => ({ ...batch, stats: { ...batch.stats, merged: mergedAtMost(batch) } }));
      await this.#run(ledgerCounts(topic, asRows));
      const file = await stageOfOtherSize(path, place.file?.bytes, (tempPath, mark) => {
        const extra = { paths: added, metadata: new Map([['sluice.replayed', mark]]) };
        return writeJoinedFile(this.#connection, this.#options, [known], tempPath, extra);
      });
      for (const folder of [dirname(path), dirname(dirname(path))]) sync(folder);
      return file;
    } catch (thrown) {
      this.#refuseIfClosed();
      throw sinkError(thrown, `messages of partition ${partition} cannot be taken out of the quarantine`);
    } finally {
      this.#isStaging = false;
      await this.#run('ROLLBACK').catch(() => {});
    }
  }

  async #commit(
    place: ReplayPlace,
    batches: readonly ReplayedBatch[],
    file: ParquetFile | undefined,
  ): Promise<ReplayOutcome | undefined> {
    const { log, memory, upkeep } = this.#parts;
    let written: readonly BatchResult[] | undefined;
    try {
      written = await memory.write(this.#connection, () => this.#write(place, batches, file));
    } catch (thrown) {
      await this.#giveBack(file);
      throw sinkError(thrown, `messages of partition ${place.partition} cannot be taken out of the quarantine`);
    }
    if (written === undefined) {
      await this.#giveBack(file);
      return undefined;
    }
    const { maxChangeSeq = NO_SEQUENCE, ...stats } = combineStats(written.map((result) => result.stats));
    // Before the COMMIT, whose answer may not come: one that is too high only has more rows compared.
    if (maxChangeSeq > log.maxChangeSeq) log.maxChangeSeq = maxChangeSeq;
    try {
      await memory.commit(() => this.#run('COMMIT'));
      if (file !== undefined) {
        renameSync(file.tempPath, file.path);
        sync(dirname(file.path));
      }
    } catch (thrown) {
      throw this.#breakOff(thrown);
    }
    upkeep.committed(0, stats.merged);
    const { merged, duplicate, marker, tombstone } = stats;
    return { merged, duplicate, marker, tombstone };
  }

  /** The ledger may name a file that is not in place yet: nothing goes on from there but a start. */
  #breakOff(thrown: unknown): SluiceError {
    const error = sinkError(thrown, 'a replay cannot be committed; the next start finishes or undoes it').forGood();
    this.#parts.commits.breakOff(error);
    this.#parts.upkeep.breakOff(error);
    return error;
  }

  async #giveBack(file: ParquetFile | undefined): Promise<void> {
    await this.#run('ROLLBACK').catch(() => {});
    if (file !== undefined) withdraw([{ ...file, path: file.tempPath }]);
  }

  /** All of the transaction but its COMMIT. @returns undefined if messages have left the quarantine */
  async #write(
    place: ReplayPlace,
    batches: readonly ReplayedBatch[],
    file: ParquetFile | undefined,
  ): Promise<readonly BatchResult[] | undefined> {
    await this.#run(`BEGIN; ${REPLAYS}`);
    const written = await insertNew(this.#connection, this.#parts.log, relationOf(batches), batches);
    await this.#run(replaysOf(this.#options.spec, batches));
    const { rowsChanged } = await this.#connection.run(`DELETE FROM sluice.quarantine WHERE ${takenBy(batches)}`);
    if (rowsChanged !== batches.reduce((sum, { taken }) => sum + taken.length, 0)) return undefined;
    await this.#run(ledgerCounts(this.#options.topic, written));
    if (file !== undefined) await this.#nameFile(place, batches, file);
    await this.#moveWatermark(place, batches);
    return written;
  }

  async #nameFile(
    { partition, file: old }: ReplayPlace,
    batches: readonly ReplayedBatch[],
    { path, bytes }: ParquetFile,
  ): Promise<void> {
    const { dataDir, topic } = this.#options;
    const starts = batches.flatMap(({ file, startOffset }) => (file === undefined ? [] : [startOffset])).join(', ');
    const isNamed = old === undefined ? 'false' : `file = ${literal(old.name)}`;
    await this.#run(
      `UPDATE sluice.batches SET file = ${literal(relative(dataDir, path))}, file_bytes = ${bytes}
       WHERE topic = ${literal(topic)} AND partition_id = ${partition} AND (${isNamed} OR start_offset IN (${starts}))`,
    );
  }

  /** As `movePositions` does. */
  async #moveWatermark({ partition }: ReplayPlace, batches: readonly ReplayedBatch[]): Promise<void> {
    const { maxEventTime } = combineStats(batches.map(({ stats }) => stats));
    if (maxEventTime === undefined) return;
    await this.#run(
      `UPDATE sluice.positions SET watermark = greatest(
         CASE WHEN watermark <= make_timestamptz(${(Date.now() + AHEAD_MS) * 1000}) THEN watermark END,
         make_timestamptz(${maxEventTime}))
       WHERE topic = ${literal(this.#options.topic)} AND partition_id = ${partition}`,
    );
  }

  async #run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }
}

function mergedAtMost({ stats }: BatchResult): number {
  return stats.ok - stats.marker;
}
