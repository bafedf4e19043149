/**
 * Who may commit to a lake. A commit is numbered, one more than the last, and moves each of its partitions from where
 * it is to where the commit ends; both are compared and changed in the same step, so that a commit that was made from
 * an old state never takes effect.
 */

/** A partition under an owner. Each claim, or each start, has an epoch that none before it had. */
export interface OwnedPartition {
  readonly partition: number;
  readonly epoch: number;
}

/** A partition's move from one offset to another, as a commit makes it. `start` is null where it begins. */
export interface OwnedMove extends OwnedPartition {
  readonly start: number | null;
  readonly next: number;
}

/** What a commit says of itself: `extra_info` of the lake's snapshot. Field names are read in Postgres. */
export interface CommitInfo {
  readonly topic: string;
  /** Its number. */
  readonly commit: number;
  readonly partitions: readonly OwnedMove[];
  /** Of its rows; null without a row. */
  readonly maxChangeSeq: string | null;
}

/** The author of the lake's snapshots, by which commits are known from what else happens in a lake. */
export const AUTHOR = 'sluice';

/** The last commit when a lock was taken. */
export interface LastCommit {
  readonly commit: number;
  /** The highest sequence of all rows; undefined if there is none. */
  readonly maxChangeSeq: bigint | undefined;
}

/** What became of moves whose commit failed: it moved all of them, none, or they are another process's now. */
export type Outcome = 'committed' | 'open' | 'fenced';

export interface Ownership {
  /** Whether several processes may each own some of the topic. */
  readonly isShared: boolean;
  /** Takes partitions over from whoever had them, whose commits are refused from now on. */
  claim(partitions: readonly number[]): Promise<OwnedPartition[]>;
  /** The epoch of the last claim of each partition. */
  epochs(): Promise<Map<number, number>>;
  /**
   * Does the work of a commit while, as far as possible, no other process commits.
   * @param work gets the last commit
   */
  exclusively<T>(work: (last: LastCommit) => Promise<T>): Promise<T>;
  /**
   * Does work if no process commits meanwhile; this one is expected not to.
   * @returns whether it was done: not while others commit for long
   */
  whileNoneCommits(work: () => Promise<void>): Promise<boolean>;
  /** Asks the catalog whether a commit took effect. */
  outcomeOf(moves: readonly OwnedMove[]): Promise<Outcome>;
  /** Notes what was committed. */
  committed(info: CommitInfo): void;
  close(): void;
}

/** Of a catalog in a file: DuckDB's lock on it keeps other processes out, and nothing moves but by this one. */
export class FileOwnership implements Ownership {
  readonly isShared = false;
  /**
   * That of each partition, in milliseconds since 1970: no process before wrote files of the same names, some of which
   * may wait for their removal. A number that the catalog counts would come again when it is put back from a backup.
   */
  readonly #epoch = Date.now();
  #last: LastCommit;

  constructor(last: LastCommit) {
    this.#last = last;
  }

  async claim(partitions: readonly number[]): Promise<OwnedPartition[]> {
    return partitions.map((partition) => ({ partition, epoch: this.#epoch }));
  }

  async epochs(): Promise<Map<number, number>> {
    return new Map();
  }

  exclusively<T>(work: (last: LastCommit) => Promise<T>): Promise<T> {
    return work(this.#last);
  }

  async whileNoneCommits(work: () => Promise<void>): Promise<boolean> {
    await work();
    return true;
  }

  /** A commit whose COMMIT failed ends the run: only those that had not come so far are asked for. */
  async outcomeOf(): Promise<Outcome> {
    return 'open';
  }

  committed({ commit, maxChangeSeq }: CommitInfo): void {
    const highest = maxChangeSeq === null ? this.#last.maxChangeSeq : BigInt(maxChangeSeq);
    this.#last = { commit, maxChangeSeq: larger(this.#last.maxChangeSeq, highest) };
  }

  close(): void {}
}

function larger(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
