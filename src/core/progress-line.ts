/** How far long work is: on a terminal one line that renews itself, and gives way to all else that is printed. */
import type { Output } from './output.js';

const CLEAR = '\r\u001b[K';
/** Work that is over sooner shows nothing. */
const QUIET_MS = 2000;
const RENEWED_MS = 1000;

export interface Progress {
  /** The line as it is now. */
  readonly text: () => string;
  /** How long nothing is shown, in milliseconds; default 2,000. */
  readonly quietMs?: number;
  /** What is done instead if there is no terminal; default: nothing. */
  readonly elsewhere?: { readonly everyMs: number; readonly report: () => void };
}

export class ProgressLine {
  readonly #terminal: Pick<Output, 'writeLater' | 'width'> | undefined;
  #isShown = false;

  /** @param terminal undefined: there is none */
  constructor(terminal: Pick<Output, 'writeLater' | 'width'> | undefined) {
    this.#terminal = terminal;
  }

  get isOnTerminal(): boolean {
    return this.#terminal !== undefined;
  }

  /** Shows it until the returned function is called. */
  show({ text, quietMs = QUIET_MS, elsewhere }: Progress): () => void {
    if (this.#terminal === undefined) return elsewhere === undefined ? () => {} : repeat(elsewhere);
    const end = repeat({ report: () => this.#write(text()), afterMs: quietMs, everyMs: RENEWED_MS });
    return () => {
      end();
      this.clear();
    };
  }

  /** What is printed next begins on a line of its own. */
  clear(): void {
    if (this.#isShown) this.#terminal?.writeLater(CLEAR);
    this.#isShown = false;
  }

  /** A line that were wider than the terminal could not be renewed. */
  #write(text: string): void {
    this.#isShown = true;
    const { width = text.length + 1 } = this.#terminal ?? {};
    this.#terminal?.writeLater(`${CLEAR}${text.slice(0, width - 1)}`);
  }
}

function repeat({ report, everyMs, afterMs = everyMs }: { report: () => void; everyMs: number; afterMs?: number }) {
  const again = () => {
    report();
    timer = setTimeout(again, everyMs);
  };
  let timer = setTimeout(again, afterMs);
  return () => clearTimeout(timer);
}

/** `1,234` */
export function inThousands(count: number): string {
  return count.toLocaleString('en-US');
}

/** Tells how long it is since it was made: `12 s`. */
export function stopwatch(): () => string {
  const startMs = performance.now();
  return () => `${Math.round((performance.now() - startMs) / 1e3)} s`;
}

/** Tells how much of a count came in a second, since it was asked last. */
export function rateOf(): (count: number) => number {
  let last = { count: 0, ms: performance.now() };
  return (count) => {
    const now = { count, ms: performance.now() };
    const rate = Math.round(((count - last.count) * 1e3) / (now.ms - last.ms));
    last = now;
    return rate;
  };
}
