/** Work of which one at a time is done, in the order in which it came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #broken: Error | undefined;

  /** Does the work when all that came before has ended, however it did. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      if (this.#broken !== undefined) throw this.#broken;
      return work();
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /** Has all work that has not begun, and all that comes, fail with this error. */
  breakOff(error: Error): void {
    this.#broken = error;
  }

  /** Resolves when all that came so far has ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
