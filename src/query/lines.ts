/** What comes over a socket: lines of text, and bytes whose number a line has told. */
import { SluiceError } from '../core/errors.js';

const NEWLINE = 0x0a;
const SHORTER = 'ask for parts of its values, or with "sluice query"';

/** Reads a stream of UTF-8 no further than it is asked to. */
export class LineReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** Of the last piece, what is not taken yet. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  /**
   * The next line, without its end; undefined after the last one. One without an end was cut off, and is left out. Only
   * a newline ends a line: Node's readline also splits at U+2028, which JSON has within its texts.
   * @throws SluiceError SLUICE_QUERY if it has more bytes than this
   */
  async line(maxBytes = Number.POSITIVE_INFINITY): Promise<string | undefined> {
    const begun: Uint8Array[] = [];
    let bytes = 0;
    for (let end = this.#rest.indexOf(NEWLINE); ; end = this.#rest.indexOf(NEWLINE)) {
      if (end !== -1) {
        begun.push(this.#rest.subarray(0, end));
        this.#rest = this.#rest.subarray(end + 1);
        return Buffer.concat(begun).toString();
      }
      begun.push(this.#rest);
      bytes += this.#rest.length;
      if (bytes > maxBytes)
        throw new SluiceError('SLUICE_QUERY', `more than ${maxBytes >> 20} MiB in a row: ${SHORTER}`);
      if (!(await this.#next())) return undefined;
    }
  }

  /** The next bytes; undefined if the stream ends before them. */
  async bytes(count: number): Promise<Uint8Array | undefined> {
    const taken: Uint8Array[] = [];
    for (let missing = count; ; ) {
      const piece = this.#rest.subarray(0, missing);
      taken.push(piece);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      if (missing === 0) return taken.length === 1 ? piece : Buffer.concat(taken);
      if (!(await this.#next())) return undefined;
    }
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#pieces.next();
    this.#rest = done ? new Uint8Array(0) : value;
    return !done;
  }
}
