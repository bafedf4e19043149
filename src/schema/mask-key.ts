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
/** What encrypted bytes begin with: no text does, and the last byte is the version. */
const MAGIC = Buffer.from('\0sluice\u0001', 'latin1');
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
  const magic = [...MAGIC].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const begins = `${column}[1:${MAGIC.length}] = '${magic}'::BLOB`;
  return `coalesce(${begins} AND octet_length(${column}) >= ${SEAL_BYTES}, false)`;
}

/** Whether bytes of the quarantine are encrypted. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= SEAL_BYTES && MAGIC.equals(bytes.subarray(0, MAGIC.length));
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

  /** @returns magic and version, id of the key, nonce, what is encrypted, tag */
  seal(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    return new Uint8Array(
      Buffer.concat([MAGIC, this.#id, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]),
    );
  }

  /** The bytes as they came, if they are encrypted. @throws SluiceError SLUICE_CONFIG if it was with another key */
  open(bytes: Uint8Array): Uint8Array {
    if (!isSealed(bytes)) return bytes;
    const id = bytes.subarray(MAGIC.length, MAGIC.length + ID_BYTES);
    if (!this.#id.equals(id)) throw notOfThisKey('another key');
    const nonce = bytes.subarray(MAGIC.length + ID_BYTES, HEAD_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw notOfThisKey('this key, and changed since');
    }
  }
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
