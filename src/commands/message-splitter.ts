/** A stream of bytes → messages, as `sluice parse` and the playground take them. */

export const DELIMITERS = { newline: 0x0a, nul: 0 } as const;
export type Delimiter = keyof typeof DELIMITERS;

/** A message that is longer is not kept, and reported as the pipeline reports what its kernel has no room for. */
export const MAX_MESSAGE_BYTES = 128 << 20;
export const TOO_LARGE = Symbol('too large');
export type Message = Uint8Array | typeof TOO_LARGE;

/** The messages of a whole input. */
export function* messagesOf(input: Uint8Array, delimiter: Delimiter): Generator<Message> {
  const splitter = new MessageSplitter(delimiter);
  yield* splitter.push(input);
  const rest = splitter.end();
  if (rest !== undefined) yield rest;
}

/** Cuts a stream of bytes into messages. Blank lines are none; between NUL bytes everything is one. */
export class MessageSplitter {
  readonly #delimiter: Delimiter;
  /** The begun message. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(delimiter: Delimiter) {
    this.#delimiter = delimiter;
  }

  *push(bytes: Uint8Array): Generator<Message> {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(DELIMITERS[this.#delimiter], start);
      this.#keep(bytes.subarray(start, end === -1 ? bytes.length : end));
      if (end === -1) return;
      const message = this.#take();
      if (!this.#isBlank(message)) yield message;
      start = end + 1;
    }
  }

  /** What comes after the last delimiter, if anything. */
  end(): Message | undefined {
    const message = this.#take();
    return message !== TOO_LARGE && (message.length === 0 || this.#isBlank(message)) ? undefined : message;
  }

  #keep(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_MESSAGE_BYTES) this.#pieces = [];
    else this.#pieces.push(piece);
  }

  #take(): Message {
    const [pieces, bytes] = [this.#pieces, this.#bytes];
    this.#pieces = [];
    this.#bytes = 0;
    if (bytes > MAX_MESSAGE_BYTES) return TOO_LARGE;
    return pieces.length === 1 ? pieces[0] : joined(pieces, bytes);
  }

  #isBlank(message: Message): boolean {
    return this.#delimiter === 'newline' && message !== TOO_LARGE && message.every((byte) => BLANKS.has(byte));
  }
}

const BLANKS: ReadonlySet<number> = new Set([...' \t\r'].map((blank) => blank.charCodeAt(0)));

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const message = new Uint8Array(bytes);
  let end = 0;
  for (const piece of pieces) {
    message.set(piece, end);
    end += piece.length;
  }
  return message;
}
