/** The words of a topic for operations, as the records that the kernel looks them up in, and what says tombstone. */
import { MAPPED_OPERATIONS, OPERATION } from '../core/operations.js';
import { hasMasks } from '../schema/mask.js';
import { roleColumn, type TableSpec } from '../schema/spec.js';
import { HEADER, KIND, WORD } from './abi.js';
import { MASK_ROW_BYTES } from './mask-table.js';

/** After the bytes of each word, which are compared and copied by 16 or 32. */
const SPARE_WORD_BYTES = 32;
/** No text has it. */
const NO_LENGTH = 2 ** 32 - 1;

const utf8 = new TextEncoder();

const LONGEST_OPERATION = Math.max(...MAPPED_OPERATIONS.map((word) => word.length));

/** Pairs of the topic's word and ours; none if the words are taken as they are. */
function wordsOf(spec: TableSpec): [from: string, to: string][] {
  return Object.entries(roleColumn(spec, 'operation')?.operations ?? {});
}

/** Bytes that a row can have in the column of operations, or in one that is masked, and not in its message. */
export function wordBytes(spec: TableSpec): number {
  if (hasMasks(spec)) return MASK_ROW_BYTES;
  return wordsOf(spec).length > 0 || spec.deletes?.tombstone ? LONGEST_OPERATION : 0;
}

/** What the records and the bytes of all words take. */
export function wordTableBytes(spec: TableSpec): number {
  const words = [...wordsOf(spec).flat(), OPERATION.delete];
  const bytes = words.reduce((sum, word) => sum + utf8.encode(word).length + SPARE_WORD_BYTES, 0);
  return (wordsOf(spec).length + 1) * WORD.size + bytes;
}

/** Where the bytes of a word are. */
interface Place {
  readonly start: number;
  readonly length: number;
}

/** Writes records and bytes, and what the header says of them. */
export function writeWords(view: DataView, spec: TableSpec, at: number): void {
  const words = wordsOf(spec);
  const word = (to: number, value: number) => view.setUint32(to, value, true);
  const bytes = new Uint8Array(view.buffer);
  let end = at + (words.length + 1) * WORD.size;
  const place = (text: string): Place => {
    const [start, encoded] = [end, utf8.encode(text)];
    bytes.set(encoded, start);
    end += encoded.length + SPARE_WORD_BYTES;
    return { start, length: encoded.length };
  };
  const record = (index: number, from: Place, to: Place) => {
    const start = at + index * WORD.size;
    word(start + WORD.from, from.start);
    word(start + WORD.fromLength, from.length);
    word(start + WORD.to, to.start);
    word(start + WORD.toLength, to.length);
  };
  for (const [index, [from, to]] of words.entries()) record(index, place(from), place(to));
  // A tombstone's word is known by its address: no text of a message is this one.
  const deleted = place(OPERATION.delete);
  record(words.length, { start: deleted.start, length: NO_LENGTH }, deleted);
  word(HEADER.words, at);
  word(HEADER.wordCount, words.length + 1);
  const operation = spec.columns.findIndex(({ role }) => role === 'operation');
  const flag = spec.columns.findIndex(({ name }) => name === spec.deletes?.flag);
  word(HEADER.tombstoneSlot, operation === -1 ? flag : operation);
  word(HEADER.tombstoneKind, operation === -1 ? KIND.true : KIND.string);
  word(HEADER.tombstoneStart, deleted.start);
  word(HEADER.tombstoneEnd, deleted.start + deleted.length);
}
