/** Work of which one at a time is done, in the order in which it came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work when all that came before has ended, however it did. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Resolves when all that came so far has ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
