/** JSON text as bytes, in memory that is used again: no object and no JS string per value. */

/** JSON of one message: a few bytes of Avro can say "a billion nulls". */
const MAX_MESSAGE_BYTES = 64 << 20;
/** JSON of one chunk, less than what its 32-bit offsets reach. */
const MAX_BYTES = 1 << 30;
/** Room beyond it for a byte of each message that cannot be read. */
const UNREADABLE_BYTES = 1 << 16;
/** Neither JSON nor UTF-8 has this byte. */
const UNREADABLE = 0xff;
/** Memory of this size is kept from chunk to chunk. */
const KEPT_BYTES = 16 << 20;
/** Those of a number below 2^53 at most. */
const NUMBER_BYTES = 32;
/** The longest escape of a byte, \u0000. Of a text up to the second of these, room is made as if all bytes had it. */
const [ESCAPED_BYTES, SHORT_BYTES] = [6, 1 << 16];
/** Days since the epoch: of January 1st of the year 0, December 31st of 9999, March 1st of 0; and of 400 years. */
const [FIRST_DAY, LAST_DAY, MARCH_OF_YEAR_0, DAYS_OF_ERA] = [-719_528, 2_932_896, -719_468, 146_097];
/** Integers of so many bytes are exact in a double. */
const SMALL_BYTES = 6;
const BILLION = 1_000_000_000;
const POWERS = Array.from({ length: 10 }, (_, power) => 10 ** power);

const [QUOTE, BACKSLASH, MINUS, POINT, ZERO, SMALL_U, PADDING] = Buffer.from('"\\-.0u=');
const HEX = Buffer.from('0123456789abcdef');
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/** There is no room left for the message. */
export class TooLarge extends Error {}

/** Module variables, because a field of an object is a memory access for each byte. */
let output = new Uint8Array(1 << 20);
let out = 0;
let limit = 0;

/** Begins a new text; the last one is no longer valid. */
export function beginJson(): void {
  out = 0;
  if (output.length > KEPT_BYTES) output = new Uint8Array(KEPT_BYTES);
}

/** Begins the text of a message. @returns where, for `dropFrom` */
export function beginMessage(): number {
  limit = Math.min(out + MAX_MESSAGE_BYTES, MAX_BYTES);
  return out;
}

/** Appends what no reader of JSON or text takes, in place of a message. */
export function appendUnreadable(): void {
  limit = MAX_BYTES + UNREADABLE_BYTES;
  writeByte(UNREADABLE);
}

/** Appends bytes as they are, as a message. @returns `too_large` if there is no room: then nothing is added */
export function appendBytes(bytes: Uint8Array, start: number, end: number): 'too_large' | undefined {
  beginMessage();
  if (out + end - start > limit) return 'too_large';
  writeBytes(bytes.subarray(start, end));
  return undefined;
}

/** Takes back what was written from there on. */
export function dropFrom(position: number): void {
  out = position;
}

/** The text since `beginJson`, valid until the next one. */
export function jsonBytes(): Uint8Array {
  return output;
}

/** Where the text ends. */
export function jsonEnd(): number {
  return out;
}

/** @throws TooLarge, as all that follow */
export function writeByte(byte: number): void {
  reserve(1);
  output[out++] = byte;
}

export function writeBytes(bytes: Uint8Array): void {
  const { length } = bytes;
  reserve(length);
  for (let index = 0; index < length; index++) output[out + index] = bytes[index];
  out += length;
}

/** Text that is JSON already. */
export function writeText(text: string): void {
  writeBytes(Buffer.from(text));
}

/** A whole number below 2^53. */
export function writeInteger(value: number): void {
  reserve(NUMBER_BYTES);
  if (value < 0) output[out++] = MINUS;
  writeDigits(Math.abs(value), 1);
}

/** A day since the epoch, in quotes; as a number if it is not of the years 0 to 9999. */
export function writeDate(day: number): void {
  if (day < FIRST_DAY || day > LAST_DAY) {
    writeInteger(day);
    return;
  }
  // Eras of 400 years from March 1st of the year 0 on: howardhinnant.github.io/date_algorithms.html, civil_from_days.
  const days = day - MARCH_OF_YEAR_0;
  const era = Math.floor(days / DAYS_OF_ERA);
  const ofEra = days - era * DAYS_OF_ERA;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36524) - Math.floor(ofEra / 146096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  reserve(NUMBER_BYTES);
  output[out++] = QUOTE;
  writeDigits(era * 400 + yearOfEra + (month < 10 ? 0 : 1), 4);
  output[out++] = MINUS;
  writeDigits(month < 10 ? month + 3 : month - 9, 2);
  output[out++] = MINUS;
  writeDigits(ofYear - Math.floor((153 * month + 2) / 5) + 1, 2);
  output[out++] = QUOTE;
}

/** A number of at most so many bytes, by the shortest text that reads back; NaN and infinities as text in quotes. */
export function writeFloat(value: number, bytes: 4 | 8): void {
  if (!Number.isFinite(value)) writeText(`"${value}"`);
  // Its sign is lost otherwise.
  else if (Object.is(value, -0)) writeText('-0.0');
  else writeText(bytes === 8 ? String(value) : shortestFloat(value));
}

/** Bytes of text, in quotes. Whether they are UTF-8 the reader of the JSON sees. */
export function writeString(bytes: Uint8Array, start: number, end: number): void {
  const length = end - start;
  reserve((length <= SHORT_BYTES ? length * ESCAPED_BYTES : escapedBytes(bytes, start, end)) + 2);
  let to = out;
  output[to++] = QUOTE;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) {
      output[to++] = byte;
      continue;
    }
    output[to++] = BACKSLASH;
    if (byte >= 0x20) output[to++] = byte;
    else {
      output[to++] = SMALL_U;
      output[to++] = ZERO;
      output[to++] = ZERO;
      output[to++] = HEX[byte >> 4];
      output[to++] = HEX[byte & 15];
    }
  }
  output[to++] = QUOTE;
  out = to;
}

/** Bytes as base64, in quotes. */
export function writeBase64(bytes: Uint8Array, start: number, end: number): void {
  reserve(Math.ceil((end - start) / 3) * 4 + 2);
  output[out++] = QUOTE;
  for (let at = start; at < end; at += 3) {
    const left = end - at;
    const bits = (bytes[at] << 16) | (left > 1 ? bytes[at + 1] << 8 : 0) | (left > 2 ? bytes[at + 2] : 0);
    output[out++] = BASE64[bits >> 18];
    output[out++] = BASE64[(bits >> 12) & 63];
    output[out++] = left > 1 ? BASE64[(bits >> 6) & 63] : PADDING;
    output[out++] = left > 2 ? BASE64[bits & 63] : PADDING;
  }
  output[out++] = QUOTE;
}

/** Two's complement, big endian, as decimal text in quotes. @param scale digits after the point */
export function writeDecimal(bytes: Uint8Array, start: number, end: number, scale: number): void {
  if (end - start > SMALL_BYTES) {
    writeText(`"${decimalText(bytes.subarray(start, end), scale)}"`);
    return;
  }
  reserve(NUMBER_BYTES + scale);
  const value = smallInteger(bytes, start, end);
  output[out++] = QUOTE;
  if (value < 0) output[out++] = MINUS;
  writeDigits(Math.abs(value), scale + 1);
  if (scale > 0) {
    const point = out - scale;
    for (let at = out; at > point; at--) output[at] = output[at - 1];
    output[point] = POINT;
    out++;
  }
  output[out++] = QUOTE;
}

/** Makes room. */
function reserve(bytes: number): void {
  if (out + bytes > limit) throw new TooLarge();
  if (out + bytes <= output.length) return;
  const larger = new Uint8Array(Math.min(MAX_BYTES + UNREADABLE_BYTES, Math.max(output.length * 2, out + bytes)));
  larger.set(output.subarray(0, out));
  output = larger;
}

/** A whole number that is not negative, with zeros before it. The room is there. */
function writeDigits(value: number, least: number): void {
  let rest = value;
  let wanted = least;
  if (rest >= BILLION || wanted > 9) {
    const upper = Math.floor(rest / BILLION);
    writeDigits(upper, Math.max(1, wanted - 9));
    rest -= upper * BILLION;
    wanted = 9;
  }
  let digits = wanted;
  while (digits < 9 && rest >= POWERS[digits]) digits++;
  let whole = rest | 0;
  for (let place = out + digits - 1; place >= out; place--) {
    const tenth = (whole / 10) | 0;
    output[place] = ZERO + whole - tenth * 10;
    whole = tenth;
  }
  out += digits;
}

/** The shortest text that reads back as this 32-bit number. */
function shortestFloat(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

/** What bytes take as text of JSON, without quotes. */
function escapedBytes(bytes: Uint8Array, start: number, end: number): number {
  let escaped = end - start;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte < 0x20) escaped += ESCAPED_BYTES - 1;
    else if (byte === QUOTE || byte === BACKSLASH) escaped++;
  }
  return escaped;
}

/** At most SMALL_BYTES. */
function smallInteger(bytes: Uint8Array, start: number, end: number): number {
  let value = start < end ? (bytes[start] << 24) >> 24 : 0;
  for (let at = start + 1; at < end; at++) value = value * 256 + bytes[at];
  return value;
}

function decimalText(bytes: Uint8Array, scale: number): string {
  const bits = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const unscaled = String(BigInt.asIntN(bytes.length * 8, bits));
  const sign = unscaled.startsWith('-') ? '-' : '';
  const digits = unscaled.slice(sign.length).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${sign}${digits.slice(0, point)}${scale === 0 ? '' : '.'}${digits.slice(point)}`;
}
