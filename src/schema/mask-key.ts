/** The key of masks: of HMACs as it is, and by derivation of what is encrypted because it cannot be masked. */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { SluiceError } from '../core/errors.js';

/** Of a key; a block of SHA-256 is the most that an HMAC takes as it is. */
const MIN_BYTES = 32;
const MAX_BYTES = 64;
const READABLE_BY_ALL = 0o007;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 4;
/** What encrypted bytes begin with: no text does. The version follows. */
const NAME = Buffer.from('\0sluice', 'latin1');
/** Bytes of version 1 do not say where they belong. */
const UNBOUND = 1;
const BOUND = 2;
const MAGIC = Buffer.concat([NAME, Buffer.from([BOUND])]);
const HEAD_BYTES = MAGIC.length + ID_BYTES + NONCE_BYTES;

/**
 * Reads a key of 32 to 64 bytes. A line end after it does not count.
 * @throws Error that says what is wrong with the file, and nothing of what is in it
 */
export function readMaskKey(path: string): Uint8Array {
  if ((statSync(path).mode & READABLE_BY_ALL) !== 0) {
    throw new Error('all users of this machine may use the file: chmod 600 it');
  }
  const bytes = readFileSync(path);
  const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  if (end >= MIN_BYTES && end <= MAX_BYTES) return Uint8Array.from(bytes.subarray(0, end));
  throw new Error(`a key has ${MIN_BYTES} to ${MAX_BYTES} bytes, this one ${end}: \`openssl rand -hex 32\` makes one`);
}

/** How much longer bytes are that are encrypted. */
export const SEAL_BYTES = HEAD_BYTES + TAG_BYTES;

/** SQL: whether a column of bytes is encrypted. */
export function isSealedSql(column: string): string {
  const hex = (bytes: readonly number[]) => bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const magics = [UNBOUND, BOUND].map((version) => `'${hex([...NAME, version])}'::BLOB`);
  const begins = `${column}[1:${MAGIC.length}] IN (${magics.join(', ')})`;
  return `coalesce(${begins} AND octet_length(${column}) >= ${SEAL_BYTES}, false)`;
}

/** Whether bytes of the quarantine are encrypted. */
export function isSealed(bytes: Uint8Array): boolean {
  const version = bytes[NAME.length];
  const isKnown = version === UNBOUND || version === BOUND;
  return bytes.length >= SEAL_BYTES && isKnown && NAME.equals(bytes.subarray(0, NAME.length));
}

/** Of encrypted bytes: the id of the key (`MessageCipher.id`). */
export function sealedWith(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(MAGIC.length, MAGIC.length + ID_BYTES)).toString('hex');
}

/** Where bytes of a quarantined message belong: they cannot be opened as those of another. */
export function messagePlace(topic: string, partition: number, offset: number, part: 'key' | 'value'): string {
  return `${topic}/${partition}/${offset}/${part}`;
}

/** Encrypts messages, and decrypts them: AES-256-GCM, each with a nonce of its own. */
export class MessageCipher {
  readonly #key: Buffer;
  readonly #id: Buffer;

  /** @param maskKey from which the key is derived: HMACs do not tell it */
  constructor(maskKey: Uint8Array) {
    this.#key = Buffer.from(hkdfSync('sha256', maskKey, '', 'sluice quarantine', 32));
    this.#id = createHash('sha256').update('id').update(this.#key).digest().subarray(0, ID_BYTES);
  }

  /** Tells keys apart, and nothing of the key: hexadecimal digits. */
  get id(): string {
    return this.#id.toString('hex');
  }

  /**
   * @param place where the bytes belong: authenticated, and not in what is returned
   * @returns magic and version, id of the key, nonce, what is encrypted, tag
   */
  seal(bytes: Uint8Array, place: string): Uint8Array<ArrayBuffer> {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(place));
    return new Uint8Array(
      Buffer.concat([MAGIC, this.#id, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]),
    );
  }

  /**
   * The bytes as they came, if they are encrypted.
   * @throws SluiceError SLUICE_CONFIG if it was with another key, or they belong to another place
   */
  open(bytes: Uint8Array, place: string): Uint8Array {
    if (!isSealed(bytes)) return bytes;
    const id = bytes.subarray(MAGIC.length, MAGIC.length + ID_BYTES);
    if (!this.#id.equals(id)) throw notOfThisKey('another key');
    const nonce = bytes.subarray(MAGIC.length + ID_BYTES, HEAD_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    if (bytes[NAME.length] === BOUND) decipher.setAAD(Buffer.from(place));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw notOfThisKey('this key, and changed or moved since');
    }
  }
}

/** What tells the key of masks from others. */
export function maskKeyId(maskKey: Uint8Array | undefined): string | undefined {
  return maskKey && new MessageCipher(maskKey).id;
}

function notOfThisKey(which: string): SluiceError {
  return new SluiceError(
    'SLUICE_CONFIG',
    `a quarantined message was encrypted with ${which}: MASK_KEY_FILE must name the key that the run had then`,
  );
}

/** What a directory without a key has to say. */
export function needsMaskKey(what: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG', `${what}: MASK_KEY_FILE must name the file of their key`);
}
