/**
 * The end of a run in bounded time. A thread that waits for a server cannot be stopped, and a process that exits waits
 * for all its threads: one that waits for longer than it may is ended by whoever has the process, as by `kill -9`, which
 * loses nothing.
 */
import { type ErrorCode, SluiceError } from '../core/errors.js';

/** What closing may take. */
const CLOSE_MS = 10_000;

export class Ending {
  readonly #code: ErrorCode;
  readonly #onStuck: (error: SluiceError) => void;
  readonly #open = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param code of the error when it does not end @param onStuck told of it */
  constructor(code: ErrorCode, onStuck: (error: SluiceError) => void) {
    this.#code = code;
    this.#onStuck = onStuck;
  }

  /** From now on there is a limit, or was already. @param graceMs for what comes before closing */
  begin(graceMs: number): void {
    this.#timer ??= setTimeout(() => this.#onStuck(this.#error(graceMs + CLOSE_MS)), graceMs + CLOSE_MS);
  }

  /** Waits until that is over, however it ends. @param name what it is called if it does not */
  async of(name: string, closing: Promise<unknown> | undefined): Promise<void> {
    this.#open.add(name);
    await closing?.catch(() => {});
    this.#open.delete(name);
  }

  /** Nothing is left that could stand still. */
  over(): void {
    clearTimeout(this.#timer);
  }

  #error(limitMs: number): SluiceError {
    const what = this.#open.size === 0 ? 'the run' : [...this.#open].join(' and ');
    return new SluiceError(
      this.#code,
      `${what} did not end within ${limitMs / 1e3} s: a server that it waits for does not answer. The process is killed, ` +
        'which loses nothing: what was not committed is read again at the next start',
    );
  }
}
