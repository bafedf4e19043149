/**
 * A stream of bytes → messages of any bytes, each behind its length, as `kcat -f '%R%s'` writes them:
 *
 *   length i32, big endian, -1 for a tombstone │ the message itself
 */
import { SluiceError } from '../core/errors.js';
import { MAX_MESSAGE_BYTES, type Message, TOO_LARGE } from './message-splitter.js';

const LENGTH_BYTES = 4;
const TOMBSTONE_LENGTH = -1;

export class LengthSplitter {
  /** What is not taken yet. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** Of the message at hand; undefined before its length. */
  #length: number | undefined;
  /** Of a message that is not kept, how much is still to come. */
  #skipped = 0;
  /** In the input. */
  #position = 0;

  /** @throws SluiceError SLUICE_CONFIG if what comes is no length */
  *push(bytes: Uint8Array): Generator<Message | null> {
    let rest = bytes;
    if (this.#skipped > 0) {
      const skipped = Math.min(this.#skipped, rest.length);
      this.#skipped -= skipped;
      this.#position += skipped;
      rest = rest.subarray(skipped);
    }
    if (rest.length === 0) return;
    this.#pieces.push(rest);
    this.#bytes += rest.length;
    for (;;) {
      if (this.#length === undefined) {
        if (this.#bytes < LENGTH_BYTES) return;
        this.#length = this.#readLength();
      }
      if (this.#length === TOMBSTONE_LENGTH) yield null;
      else if (this.#length > MAX_MESSAGE_BYTES) {
        this.#skipped = this.#length - this.#take(Math.min(this.#length, this.#bytes)).length;
        yield TOO_LARGE;
      } else if (this.#bytes < this.#length) return;
      else yield this.#take(this.#length);
      this.#length = undefined;
    }
  }

  /** @throws SluiceError SLUICE_CONFIG if the input ends within a message */
  end(): undefined {
    if (this.#bytes === 0 && this.#length === undefined && this.#skipped === 0) return;
    throw new SluiceError('SLUICE_CONFIG', `the input ends within a message, after byte ${this.#position}`);
  }

  #readLength(): number {
    const at = this.#position;
    const length = Buffer.from(this.#take(LENGTH_BYTES)).readInt32BE();
    if (length >= TOMBSTONE_LENGTH) return length;
    throw new SluiceError(
      'SLUICE_CONFIG',
      `at byte ${at} of the input is no length of a message: --delimiter length takes what kcat -f '%R%s' writes`,
    );
  }

  /** The next so many bytes, which are there. */
  #take(length: number): Uint8Array {
    const all = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = length < all.length ? [all.subarray(length)] : [];
    this.#bytes -= length;
    this.#position += length;
    return all.subarray(0, length);
  }
}
