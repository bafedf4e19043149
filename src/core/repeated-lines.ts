/** Equal warnings: what keeps failing while it is tried again says so many times in a second. */

const WINDOW_MS = 60_000;
/** Lines that are told apart. */
const MAX_LINES = 100;
/** Fields that differ from one attempt to the next. */
const OF_AN_ATTEMPT: ReadonlySet<string> = new Set(['pauseMs', 'backoffMs']);

interface Seen {
  readonly timer: NodeJS.Timeout;
  readonly log: (fields: object) => void;
  repeated: number;
}

/**
 * Lets the first of equal lines pass at once. Those that follow within a minute are counted; at its end, one line more
 * has their number as `repeated`.
 */
export class RepeatedLines {
  readonly #seen = new Map<string, Seen>();

  /**
   * @param log logs the line with other fields besides
   * @returns whether the line is to be logged now
   */
  isFirst(message: string, fields: object, log: (fields: object) => void): boolean {
    const line = `${message} ${JSON.stringify(Object.entries(fields).filter(([name]) => !OF_AN_ATTEMPT.has(name)))}`;
    const seen = this.#seen.get(line);
    if (seen !== undefined) {
      seen.repeated++;
      return false;
    }
    if (this.#seen.size >= MAX_LINES) this.flush();
    const timer = setTimeout(() => this.#end(line), WINDOW_MS);
    timer.unref();
    this.#seen.set(line, { timer, log, repeated: 0 });
    return true;
  }

  /** Logs what is counted, and begins anew. */
  flush(): void {
    for (const line of [...this.#seen.keys()]) this.#end(line);
  }

  #end(line: string): void {
    const seen = this.#seen.get(line);
    this.#seen.delete(line);
    clearTimeout(seen?.timer);
    if (seen !== undefined && seen.repeated > 0) seen.log({ repeated: seen.repeated });
  }
}
