/**
 * Avro → JSON text, straight from bytes to bytes, with no number that is not exact. It is our own because a library
 * makes objects, with int64 as doubles or BigInts: it and JSON.stringify take three times the CPU of this.
 *
 *   union                 its value alone: not {"string": …}
 *   bytes, fixed          base64, as Kafka Connect's JSON has it; of the logical type decimal, its decimal text
 *   float, double         the shortest decimal that reads back; NaN and infinities as text
 *   date                  2025-01-02: a table spec has no unit of days
 *   other logical types   what they are written as: timestamps are integers of their unit
 */
import { AVRO, type AvroType } from './avro-schema.js';
import {
  beginMessage,
  dropFrom,
  TooLarge,
  writeBase64,
  writeByte,
  writeBytes,
  writeDate,
  writeDecimal,
  writeFloat,
  writeInteger,
  writeString,
  writeText,
} from './json-output.js';

/** Why a value cannot be read. */
export type AvroProblem = 'malformed' | 'too_large';

/** Containers inside each other; the kernel has about the same bound for JSON. */
const MAX_DEPTH = 1000;
/** Items of a message that take no byte of it: eight bytes of Avro can say "a billion nulls". */
const MAX_EMPTY_ITEMS = 1 << 16;

const [OBJECT, OBJECT_END, ARRAY, ARRAY_END, COMMA, COLON] = Buffer.from('{}[],:');
const NULL = Buffer.from('null');
const BOOLEANS = [Buffer.from('false'), Buffer.from('true')];

/** The bytes are not of the schema. */
class Malformed extends Error {}

/** Of the value at hand. */
let input: Uint8Array = new Uint8Array(0);
let at = 0;
let end = 0;
let depth = 0;
let emptyItems = 0;

const scratch = new DataView(new ArrayBuffer(8));

/** Where reading ended, after a problem: a byte of the input. */
export function stoppedAt(): number {
  return Math.min(at, end);
}

/** Appends the value at [start, stop) as JSON. @returns the problem, undefined for none; with one, nothing is added */
export function appendJson(type: AvroType, bytes: Uint8Array, start: number, stop: number): AvroProblem | undefined {
  return append(writeValue, type, bytes, start, stop);
}

/** The same, but a string is its text alone, without quotes. */
export function appendText(type: AvroType, bytes: Uint8Array, start: number, stop: number): AvroProblem | undefined {
  return append(writePlain, type, bytes, start, stop);
}

function append(
  write: (type: AvroType) => void,
  type: AvroType,
  bytes: Uint8Array,
  start: number,
  stop: number,
): AvroProblem | undefined {
  input = bytes;
  at = start;
  end = stop;
  depth = 0;
  emptyItems = 0;
  const before = beginMessage();
  try {
    write(type);
    // What is left over was not written by this schema.
    if (at === end) return undefined;
  } catch (thrown) {
    dropFrom(before);
    if (thrown instanceof TooLarge) return 'too_large';
    if (!(thrown instanceof Malformed)) throw thrown;
  }
  dropFrom(before);
  return 'malformed';
}

function writeValue(type: AvroType): void {
  switch (type.kind) {
    case AVRO.null:
      writeBytes(NULL);
      return;
    case AVRO.boolean:
      writeBytes(BOOLEANS[readBoolean()]);
      return;
    case AVRO.int:
    case AVRO.long:
      writeLong();
      return;
    case AVRO.date:
      writeDate(readNumber());
      return;
    case AVRO.float:
      writeFloat(readFloat(4), 4);
      return;
    case AVRO.double:
      writeFloat(readFloat(8), 8);
      return;
    case AVRO.string:
      writeString(input, skip(readNumber()), at);
      return;
    case AVRO.bytes:
      writeBinary(readNumber(), type.scale);
      return;
    case AVRO.fixed:
      writeBinary(type.size, type.scale);
      return;
    case AVRO.enum:
      writeBytes(type.literals[readIndex(type.literals.length)]);
      return;
    case AVRO.union:
      writeValue(type.children[readIndex(type.children.length)]);
      return;
    default:
      writeContainer(type);
  }
}

function writePlain(type: AvroType): void {
  if (type.kind === AVRO.union) writePlain(type.children[readIndex(type.children.length)]);
  else if (type.kind !== AVRO.string) writeValue(type);
  else writeBytes(input.subarray(skip(readNumber()), at));
}

function writeContainer({ kind, children, literals }: AvroType): void {
  if (++depth > MAX_DEPTH) throw new Malformed();
  if (kind === AVRO.record) {
    if (children.length === 0) writeByte(OBJECT);
    for (let field = 0; field < children.length; field++) {
      writeBytes(literals[field]);
      writeValue(children[field]);
    }
    writeByte(OBJECT_END);
  } else writeItems(children[0], kind === AVRO.map);
  depth--;
}

/** Blocks of items, the last one empty; one of a negative count says its bytes, too. */
function writeItems(item: AvroType, isMap: boolean): void {
  writeByte(isMap ? OBJECT : ARRAY);
  let isFirst = true;
  for (let count = readNumber(); count !== 0; count = readNumber()) {
    if (count < 0) readNumber();
    for (let left = Math.abs(count); left > 0; left--) {
      const before = at;
      if (isFirst) isFirst = false;
      else writeByte(COMMA);
      if (isMap) {
        writeString(input, skip(readNumber()), at);
        writeByte(COLON);
      }
      writeValue(item);
      if (at === before && ++emptyItems > MAX_EMPTY_ITEMS) throw new TooLarge();
    }
  }
  writeByte(isMap ? OBJECT_END : ARRAY_END);
}

function writeLong(): void {
  readBits();
  if (isSafe()) writeInteger(numberOfBits());
  else {
    const bits = (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low);
    writeText(String(bits & 1n ? -((bits + 1n) >> 1n) : bits >> 1n));
  }
}

function writeBinary(length: number, scale: number): void {
  const start = skip(length);
  if (scale >= 0) writeDecimal(input, start, at, scale);
  else writeBase64(input, start, at);
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function readByte(): number {
  if (at >= end) throw new Malformed();
  return input[at++];
}

/** Moves on by bytes that must be there. @returns where they begin */
function skip(length: number): number {
  if (length < 0 || length > end - at) throw new Malformed();
  at += length;
  return at - length;
}

function readBoolean(): number {
  const byte = readByte();
  if (byte > 1) throw new Malformed();
  return byte;
}

function readFloat(bytes: 4 | 8): number {
  const start = skip(bytes);
  for (let index = 0; index < bytes; index++) scratch.setUint8(index, input[start + index]);
  return bytes === 8 ? scratch.getFloat64(0, true) : scratch.getFloat32(0, true);
}

/** Bits of a variable-length integer, by 28: what bit operations of JS take at once. */
let low = 0;
let middle = 0;
let high = 0;

function readBits(): void {
  let byte = readByte();
  low = byte & 0x7f;
  middle = 0;
  high = 0;
  for (let shift = 7; byte > 0x7f; shift += 7) {
    if (shift > 63) throw new Malformed();
    byte = readByte();
    if (shift < 28) low |= (byte & 0x7f) << shift;
    else if (shift < 56) middle |= (byte & 0x7f) << (shift - 28);
    else high |= (byte & 0x7f) << (shift - 56);
  }
  // 64 bits.
  if (high > 0xff) throw new Malformed();
}

/** Whether the bits that were read are a number below 2^52. */
function isSafe(): boolean {
  return high === 0 && middle < 1 << 24;
}

/** The zigzag number of the bits that were read. */
function numberOfBits(): number {
  const bits = middle * 0x10000000 + low;
  return (low & 1) === 0 ? bits / 2 : -(bits + 1) / 2;
}

function readNumber(): number {
  readBits();
  if (!isSafe()) throw new Malformed();
  return numberOfBits();
}

function readIndex(count: number): number {
  const index = readNumber();
  if (index < 0 || index >= count) throw new Malformed();
  return index;
}
