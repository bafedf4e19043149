/** What a command prints: every byte reaches the reader before the process ends, or the command gets an error. */
import { createWriteStream } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { SluiceError } from './errors.js';

/** The reader has closed its end, as `head` does once it has enough: no failure, but the rest is not wanted. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** A standard stream of the process. */
export type StandardStream = Writable & { readonly fd: number; readonly isTTY?: boolean; readonly columns?: number };

const READER_GONE = new Set(['EPIPE', 'ECONNRESET']);

/** One output of the process. */
export class Output {
  /** Whether a person looks at it. */
  readonly isTerminal: boolean;
  /** Characters of a line of the terminal; undefined if there is none. */
  readonly width: number | undefined;
  /** For what moves the cursor by itself: only of a terminal. */
  readonly terminalStream: Writable;
  readonly #name: string;
  readonly #beforeWrite: () => void;
  readonly #stream: Writable;
  #lastWrite: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  /**
   * @param name what to call it in an error: stdout
   * @param beforeWrite clears what else stands on the terminal, if it is one
   */
  constructor(stream: StandardStream, name: string, beforeWrite = () => {}) {
    this.#name = name;
    this.#beforeWrite = stream.isTTY === true ? beforeWrite : () => {};
    this.isTerminal = stream.isTTY === true;
    // A terminal that does not know its size says 0.
    this.width = stream.columns || undefined;
    this.terminalStream = stream;
    // Node's own stream for a file drops without an error what a nearly full disk did not take of a write.
    this.#stream = stream instanceof Socket ? stream : createWriteStream('', { fd: stream.fd, autoClose: false });
    // Each write learns of its error; without a listener the first one would end the process.
    for (const listened of new Set([stream, this.#stream])) listened.on('error', () => {});
  }

  /**
   * Resolves when the operating system has taken everything. A caller that waits for it holds no more than one piece in
   * memory, however slowly the reader reads.
   * @throws OutputClosed when the reader is gone, SluiceError SLUICE_OUTPUT when the output cannot be written
   */
  write(piece: string | Uint8Array): Promise<void> {
    this.#beforeWrite();
    const written = new Promise<void>((resolve, reject) => {
      this.#stream.write(piece, (error) => {
        if (error) this.#failure ??= this.#describe(error);
        if (this.#failure) reject(this.#failure);
        else resolve();
      });
    });
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  /** Does not wait, for callers that cannot: a failure shows when the output is drained. */
  writeLater(piece: string | Uint8Array): void {
    this.write(piece).catch(() => {});
  }

  /** Like `write`, for work that counts even without a reader: a reader that is gone is no error. */
  async writeIfOpen(piece: string | Uint8Array): Promise<void> {
    try {
      await this.write(piece);
    } catch (thrown) {
      if (!(thrown instanceof OutputClosed)) throw thrown;
    }
  }

  /** Resolves when all that was written before is taken. @throws what the first write that failed threw */
  async drained(): Promise<void> {
    await this.#lastWrite;
    if (this.#failure) throw this.#failure;
  }

  #describe(cause: NodeJS.ErrnoException): Error {
    if (READER_GONE.has(cause.code ?? '')) return new OutputClosed(`the reader of ${this.#name} is gone`, { cause });
    const message = `${this.#name} cannot be written: ${cause.message}: the output is not complete`;
    return new SluiceError('SLUICE_OUTPUT', message, { cause });
  }
}
