/**
 * Transactions of a lake that move partitions.
 *
 * With a catalog in Postgres one can fail without anyone knowing whether it took effect: the answer to its COMMIT was
 * lost. What follows a failure is in doubt then, and the catalog is asked first. With a catalog in a file, a failed
 * COMMIT ends the run.
 */
import { setTimeout } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import type { DeleteFiles } from './delete-files.js';
import { isLakeConflict } from './lake-errors.js';
import { describeCommit } from './lake-transaction.js';
import type { CommitInfo, LastCommit, Outcome, OwnedMove, Ownership } from './ownership.js';
import { isFenced } from './postgres-ownership.js';

/** How often a commit is made anew, by default. */
const MAX_CONFLICTS = 20;
const FIRST_PAUSE_MS = 20;
const MAX_DOUBLINGS = 6;

/** What a commit needs of it. */
export type CommitOwnership = Pick<Ownership, 'exclusively' | 'committed' | 'outcomeOf'>;

/** Of work that finds by being done again what it did: whether it was done is not asked for. */
export function doneAgain(ownership: CommitOwnership): CommitOwnership {
  return {
    exclusively: (work) => ownership.exclusively(work),
    committed: (info) => ownership.committed(info),
    outcomeOf: async () => 'open',
  };
}

export class Transactions {
  readonly #connection: DuckDBConnection;
  readonly #ownership: CommitOwnership;
  readonly #deleteFiles: DeleteFiles;
  readonly #topic: string;
  readonly #closing: AbortSignal;
  /** The last one failed in a way that does not tell whether it took effect. */
  #isInDoubt = false;
  /** The catalog may name delete files that could not be put back. */
  #needsRestore = false;
  /** Of the last one that was tried. */
  #tried: CommitInfo | undefined;
  readonly #maxConflicts: number;

  /**
   * @param closing from then on nothing is made anew
   * @param maxConflicts how often another process may be faster, before that is an error
   */
  constructor(
    connection: DuckDBConnection,
    ownership: CommitOwnership,
    deleteFiles: DeleteFiles,
    topic: string,
    closing: AbortSignal,
    maxConflicts = MAX_CONFLICTS,
  ) {
    this.#connection = connection;
    this.#ownership = ownership;
    this.#deleteFiles = deleteFiles;
    this.#topic = topic;
    this.#closing = closing;
    this.#maxConflicts = maxConflicts;
  }

  /**
   * @param maxChangeSeq of the rows that it adds
   * @returns undefined if one before it, which seemed to fail, did its work
   * @throws SluiceError SLUICE_FENCED if someone else owns or moved one of the partitions; what failed
   */
  async run<T>(
    moves: readonly OwnedMove[],
    maxChangeSeq: bigint | undefined,
    write: (last: LastCommit) => Promise<T>,
  ): Promise<T | undefined> {
    for (let conflicts = 0; ; conflicts++) {
      await this.restore();
      if (this.#isInDoubt && (await this.#isCommitted(moves))) return undefined;
      try {
        return await this.#ownership.exclusively((last) => this.#commit(last, moves, maxChangeSeq, write));
      } catch (thrown) {
        if (isLakeConflict(thrown) && conflicts < this.#maxConflicts && !this.#closing.aborted) {
          await setTimeout(FIRST_PAUSE_MS * 2 ** Math.min(conflicts, MAX_DOUBLINGS) * (0.5 + Math.random()));
        } else if (await this.#isCommittedAfter(thrown, moves)) {
          return undefined;
        } else {
          throw thrown;
        }
      }
    }
  }

  /**
   * Puts back what could not be put back when the answer to a COMMIT was lost: without it, the table cannot be read.
   * @throws what is in the way
   */
  async restore(): Promise<void> {
    if (!this.#needsRestore) return;
    await this.#deleteFiles.restore();
    this.#needsRestore = false;
  }

  async #commit<T>(
    last: LastCommit,
    moves: readonly OwnedMove[],
    maxChangeSeq: bigint | undefined,
    write: (last: LastCommit) => Promise<T>,
  ): Promise<T> {
    const [topic, commit] = [this.#topic, last.commit + 1];
    const info: CommitInfo = { topic, commit, partitions: moves, maxChangeSeq: maxChangeSeq?.toString() ?? null };
    const connection = this.#connection;
    this.#tried = info;
    await connection.run('BEGIN');
    try {
      const result = await write(last);
      await describeCommit(connection, info);
      await connection.run('COMMIT');
      this.#ownership.committed(info);
      this.#deleteFiles.forget();
      return result;
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      this.#needsRestore ||= isDoubtful(thrown);
      // If this fails, it is done before the next one.
      await this.restore().catch(() => {});
      throw thrown;
    }
  }

  /**
   * After a failure, which may be for want of a file that a new owner removed. The answer can be too early: what is in
   * doubt stays so until it is asked for again.
   * @throws SluiceError SLUICE_FENCED
   */
  async #isCommittedAfter(thrown: unknown, moves: readonly OwnedMove[]): Promise<boolean> {
    const outcome = await this.#outcomeOf(moves).catch(() => undefined);
    this.#isInDoubt = outcome !== 'committed';
    const isRefused = isFenced(thrown) && outcome === 'open';
    if (outcome === 'fenced' || isRefused) throw fenced(this.#topic, thrown);
    return outcome === 'committed';
  }

  /** @throws SluiceError SLUICE_FENCED */
  async #isCommitted(moves: readonly OwnedMove[]): Promise<boolean> {
    const outcome = await this.#outcomeOf(moves);
    this.#isInDoubt = false;
    if (outcome === 'fenced') throw fenced(this.#topic, undefined);
    return outcome === 'committed';
  }

  async #outcomeOf(moves: readonly OwnedMove[]): Promise<Outcome> {
    const outcome = await this.#ownership.outcomeOf(moves);
    if (outcome !== 'committed') return outcome;
    if (this.#tried !== undefined) this.#ownership.committed(this.#tried);
    await this.#deleteFiles.restore();
    return outcome;
  }
}

/** Whether the transaction whose COMMIT failed so may have taken effect. */
export function isDoubtful(thrown: unknown): boolean {
  return !isFenced(thrown) && !isLakeConflict(thrown);
}

function fenced(topic: string, cause: unknown): SluiceError {
  const [, partition] = /SLUICE_FENCED: partition (\d+)/.exec(String(cause)) ?? [];
  const what = partition === undefined ? `partitions of ${topic}` : `${topic} partition ${partition}`;
  return new SluiceError(
    'SLUICE_FENCED',
    `another process has taken over ${what} since this one claimed it. What of the group was not committed before is ` +
      'read by the new owner',
    { cause },
  );
}
