/** Changes to a lake that have the number of a commit and move no partition. */
import { setTimeout } from 'node:timers/promises';
import { isLakeConflict } from './lake-errors.js';
import type { Ownership } from './ownership.js';
import type { Transactions } from './transactions.js';

/** How often another process may be faster, by default: after each time, this one's commits have their turn. */
const MAX_CONFLICTS = 9;
const CONFLICT_PAUSE_MS = 100;

/** Does what has the number of a commit, while this process commits nothing else. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** What keeps changes out of the way of commits, those of this process and those of others. */
export interface CommitsAside {
  readonly ownership: Ownership;
  readonly inTurn: InTurn;
}

/** Where this process commits nothing. */
export function alone(ownership: Ownership): CommitsAside {
  return { ownership, inTurn: (work) => work() };
}

export class NumberedChanges {
  readonly #transactions: Transactions;
  readonly #inTurn: InTurn;
  readonly #closing: AbortSignal;
  readonly #maxConflicts: number;

  /**
   * @param transactions whose conflicts are errors
   * @param closing from then on nothing is made anew
   */
  constructor(transactions: Transactions, inTurn: InTurn, closing: AbortSignal, maxConflicts = MAX_CONFLICTS) {
    this.#transactions = transactions;
    this.#inTurn = inTurn;
    this.#closing = closing;
    this.#maxConflicts = maxConflicts;
  }

  /** Does work in one transaction, and again if another process was faster. @throws the last conflict, what failed */
  async run(work: () => Promise<void>): Promise<void> {
    for (let conflicts = 0; ; conflicts++) {
      try {
        await this.#inTurn(() => this.#transactions.run([], undefined, work));
        return;
      } catch (thrown) {
        if (!isLakeConflict(thrown) || conflicts === this.#maxConflicts || this.#closing.aborted) throw thrown;
        await setTimeout(CONFLICT_PAUSE_MS * (0.5 + Math.random()));
      }
    }
  }
}
