/** Whether a quarantined message is of a key. */
import type { MessageFormat } from '../registry/settings.js';
import { isSealed, type MessageCipher, messagePlace, needsMaskKey, sealedWith } from '../schema/mask-key.js';
import type { SpecColumn } from '../schema/spec.js';
import type { MessageTest } from '../sinks/duckdb/quarantine-search.js';

export interface KeyMatcherOptions {
  /** The key as messages have it. */
  readonly id: string;
  readonly topic: string;
  /** In the role of key. */
  readonly column: SpecColumn;
  readonly cipher: MessageCipher | undefined;
  /** Of the key that the data directory encrypts with; undefined: it never did. */
  readonly knownKeyId: string | undefined;
  /** Is told of bytes that say that they are encrypted with that key, and cannot be opened: they stay as they are. */
  readonly onUnopened: () => void;
  readonly valueFormat: MessageFormat;
  readonly keyFormat: MessageFormat;
}

/** A key or a value. */
interface Part {
  readonly bytes: Buffer;
  /** Undefined if it is no JSON. */
  readonly json: unknown;
  /** Avro: what is before and after a text can be a letter. */
  readonly isBinary: boolean;
}

/** Before what a registry's schema is of: a byte, and the id or the GUID of the schema. */
const FRAME_BYTES = [5, 17];
/** Of JSON in a string of JSON in a string. */
const MAX_ESCAPES = 3;

/**
 * A message in JSON that has a value where the key's column is read is compared by that alone. Any other has the key
 * as a word of its own, escaped or not; in one that is binary, anywhere.
 * @throws SluiceError SLUICE_CONFIG, when it is used, if the message is encrypted, and there is no key
 */
export function keyMatcher(options: KeyMatcherOptions): MessageTest {
  const { id, column, valueFormat, keyFormat } = options;
  const word = Buffer.from(id);
  const isId = (text: unknown, { bytes }: Part) =>
    typeof text === 'number' ? Number(id) === text && hasWord(bytes, word) : String(text) === id;
  return (key, value, { partition, offset }) => {
    const { topic } = options;
    const place = (part: 'key' | 'value') => messagePlace(topic, partition, offset, part);
    const parts = {
      key: key === null ? undefined : partOf(opened(key, options, place('key')), keyFormat),
      value: value === null ? undefined : partOf(opened(value, options, place('value')), valueFormat),
    };
    for (const { of, names } of column.paths) {
      const part = parts[of];
      const texts = part === undefined ? [] : scalarsOf(fieldOf(part.json, names));
      if (part !== undefined && texts.length > 0) return texts.some((text) => isId(text, part));
    }
    return [parts.key, parts.value].some((part) => part !== undefined && hasId(part, word));
  };
}

/** A message can look as if it were encrypted: only the directory's own key has ever encrypted one. */
function opened(bytes: Uint8Array, { cipher, knownKeyId, onUnopened }: KeyMatcherOptions, place: string): Buffer {
  if (!isSealed(bytes) || sealedWith(bytes) !== knownKeyId) return Buffer.from(bytes);
  if (cipher === undefined) throw needsMaskKey('it is encrypted');
  try {
    return Buffer.from(cipher.open(bytes, place));
  } catch {
    onUnopened();
    return Buffer.from(bytes);
  }
}

function partOf(bytes: Buffer, format: MessageFormat): Part {
  const head = bytes[0] <= 1 ? FRAME_BYTES[bytes[0]] : 0;
  const json = parsed(bytes.subarray(head));
  return { bytes, json, isBinary: json === undefined && (head > 0 || format !== 'json') };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** The field; of JSON in strings, too. */
function fieldOf(json: unknown, names: readonly string[]): unknown {
  let value = json;
  for (const name of names) {
    if (typeof value === 'string') value = parsed(Buffer.from(value));
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** A field can be `{"$oid": "…"}`. */
function scalarsOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return typeof value === 'object' ? Object.values(value).flatMap(scalarsOf) : [value];
}

function hasId({ bytes, isBinary }: Part, word: Buffer): boolean {
  if (isBinary) return bytes.includes(word);
  let plain = bytes;
  for (let escapes = 0; escapes <= MAX_ESCAPES; escapes++) {
    if (hasWord(plain, word)) return true;
    if (!plain.includes('\\')) return false;
    plain = Buffer.from(unescaped(plain.toString()));
  }
  return false;
}

function unescaped(text: string): string {
  const plain: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(["\\/nrtbf]))/g, (_, hex: string | undefined, one: string) =>
    hex === undefined ? (plain[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function hasWord(bytes: Buffer, word: Buffer): boolean {
  const isLetter = (at: number) => /[0-9A-Za-z_-]/.test(String.fromCharCode(bytes[at] ?? 0));
  for (let at = bytes.indexOf(word); at !== -1; at = bytes.indexOf(word, at + 1)) {
    if (!isLetter(at - 1) && !isLetter(at + word.length)) return true;
  }
  return false;
}
