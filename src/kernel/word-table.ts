/** The words of a topic for operations, as the records that the kernel looks them up in, and what says tombstone. */
import { MAPPED_OPERATIONS, OPERATION } from '../core/operations.js';
import { roleColumn, type TableSpec } from '../schema/spec.js';
import { HEADER, KIND, WORD } from './abi.js';

/** After the bytes of each word, which are compared and copied by 16 or 32. */
const SPARE_WORD_BYTES = 32;
/** No text has it. */
const NO_LENGTH = 2 ** 32 - 1;

const LONGEST_OPERATION = Math.max(...MAPPED_OPERATIONS.map((word) => word.length));

/** Pairs of the topic's word and ours; none if the words are taken as they are. */
function wordsOf(spec: TableSpec): [from: string, to: string][] {
  return Object.entries(roleColumn(spec, 'operation')?.operations ?? {});
}

/** Bytes that a row can have in the column of operations, and not in its message. */
export function wordBytes(spec: TableSpec): number {
  return wordsOf(spec).length > 0 || spec.deletes?.tombstone ? LONGEST_OPERATION : 0;
}

/** What the records and the bytes of all words take. */
export function wordTableBytes(spec: TableSpec): number {
  const words = [...wordsOf(spec).flat(), OPERATION.delete];
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word) + SPARE_WORD_BYTES, 0);
  return (wordsOf(spec).length + 1) * WORD.size + bytes;
}

/** Writes records and bytes, and what the header says of them. */
export function writeWords(view: DataView, spec: TableSpec, at: number): void {
  const words = wordsOf(spec);
  const word = (to: number, value: number) => view.setUint32(to, value, true);
  let end = at + (words.length + 1) * WORD.size;
  const place = (text: string): number => {
    const start = end;
    end += Buffer.from(view.buffer).write(text, start) + SPARE_WORD_BYTES;
    return start;
  };
  const record = (index: number, from: number, fromLength: number, to: number, toLength: number) => {
    const start = at + index * WORD.size;
    word(start + WORD.from, from);
    word(start + WORD.fromLength, fromLength);
    word(start + WORD.to, to);
    word(start + WORD.toLength, toLength);
  };
  for (const [index, [from, to]] of words.entries()) {
    record(index, place(from), Buffer.byteLength(from), place(to), Buffer.byteLength(to));
  }
  // A tombstone's word is known by its address: no text of a message is this one.
  const deleted = place(OPERATION.delete);
  record(words.length, deleted, NO_LENGTH, deleted, OPERATION.delete.length);
  word(HEADER.words, at);
  word(HEADER.wordCount, words.length + 1);
  const operation = spec.columns.findIndex(({ role }) => role === 'operation');
  const flag = spec.columns.findIndex(({ name }) => name === spec.deletes?.flag);
  word(HEADER.tombstoneSlot, operation === -1 ? flag : operation);
  word(HEADER.tombstoneKind, operation === -1 ? KIND.true : KIND.string);
  word(HEADER.tombstoneStart, deleted);
  word(HEADER.tombstoneEnd, deleted + OPERATION.delete.length);
}
