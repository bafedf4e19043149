/** The words of a topic for operations, as the records that the kernel looks them up in. */
import { MAPPED_OPERATIONS } from '../core/operations.js';
import { roleColumn, type TableSpec } from '../schema/spec.js';
import { WORD } from './abi.js';

/** After the bytes of each word, which are compared and copied by 16 or 32. */
const SPARE_WORD_BYTES = 32;

/** Bytes of our longest word for an operation. */
export const LONGEST_OPERATION = Math.max(...MAPPED_OPERATIONS.map((word) => word.length));

/** Pairs of the topic's word and ours; none if the words are taken as they are. */
export function operationWords(spec: TableSpec): [from: string, to: string][] {
  return Object.entries(roleColumn(spec, 'operation')?.operations ?? {});
}

/** What the records and the bytes of all words take. */
export function wordTableBytes(words: readonly (readonly [string, string])[]): number {
  const bytes = words.flat().reduce((sum, word) => sum + Buffer.byteLength(word) + SPARE_WORD_BYTES, 0);
  return words.length * WORD.size + bytes;
}

/** Writes records and bytes. @returns how many records */
export function writeWords(
  memory: WebAssembly.Memory,
  words: readonly (readonly [string, string])[],
  at: number,
): number {
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  let end = at + words.length * WORD.size;
  const place = (word: string): [start: number, length: number] => {
    const encoded = Buffer.from(word);
    const start = end;
    bytes.set(encoded, start);
    end += encoded.length + SPARE_WORD_BYTES;
    return [start, encoded.length];
  };
  for (const [index, [from, to]] of words.entries()) {
    const record = at + index * WORD.size;
    const [[fromStart, fromLength], [toStart, toLength]] = [place(from), place(to)];
    view.setUint32(record + WORD.from, fromStart, true);
    view.setUint32(record + WORD.fromLength, fromLength, true);
    view.setUint32(record + WORD.to, toStart, true);
    view.setUint32(record + WORD.toLength, toLength, true);
  }
  return words.length;
}
