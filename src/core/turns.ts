import { SluiceError } from './errors.js';

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

  /** Has all work that has not begun, and all that comes, fail with this error. The first one counts. */
  breakOff(error: Error): void {
    this.#broken ??= error;
  }

  /** Begins nothing more. Resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.breakOff(new SluiceError('SLUICE_QUERY', 'the running process is ending'));
    await this.#last;
  }
}
