/**
 * Masks of a capture: what the table spec masks is masked before it goes to Kafka, by the kernel that masks what `run`
 * reads. Each masked field has a field of its own in a table of the kernel, in which one value at a time is masked:
 *
 *   customer.email, hmac   {"c0":value} → column c0          a column: what stands for a text is that text
 *   items.owner, redact    {"m0":value} → extra {"m0":"***"}  a path of `masks`
 */
import type { RecordBatch } from 'apache-arrow';
import { Chunk, setBit } from '../core/chunk.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/kernel-file.js';
import { hasMasks } from '../schema/mask.js';
import { MessageCipher, needsMaskKey } from '../schema/mask-key.js';
import type { SpecColumn, TableSpec } from '../schema/spec.js';
import type { EnvelopeOptions } from './envelope.js';
import { type Masked, STARS } from './json.js';
import { maskDigests } from './mask-digests.js';
import { maskedCell } from './masked-cell.js';
import { captureMaskProblems } from './masks-possible.js';
import type { OrderId } from './order-id.js';
import { OWN_FIELDS } from './own-fields.js';
import { hexTime } from './resume-token.js';

const CHUNK_BYTES = 1 << 16;
/** Less is not possible for a kernel, and one message is read at a time. */
const SIZES = { batchRows: 1, batchBytes: CHUNK_BYTES };
/** Of columns that masks are not of. */
const FLAGS = { highValueThreshold: '0', lateAfterMs: 0 };
/** The column of texts that are not of the document: keys and tokens. */
const TEXT = 'text';
const NO_TIME = hexTime(0, 0);
/** Where a token has hexadecimal digits: says that the message is masked, so that it is not masked again. */
export const MASKED_ID = 'M';

/** A place in a document, and what is masked inside of it. */
class Place implements Masked {
  readonly members = new Map<string, Place>();
  mask: ((json: string) => string) | undefined;

  at([name, ...names]: readonly string[]): Place {
    if (name === undefined) return this;
    const inner = this.members.get(name) ?? new Place();
    this.members.set(name, inner);
    return inner.at(names);
  }
}

export interface MaskOptions {
  readonly spec: TableSpec;
  /** Of 32 to 64 bytes. */
  readonly maskKey: Uint8Array | undefined;
  readonly orderIdPath: EnvelopeOptions['orderIdPath'];
  readonly eventTimePath: EnvelopeOptions['eventTimePath'];
}

/**
 * @param options with `masksDocuments` undefined if nobody decided: then what is not masked is said in the log
 * @returns undefined if nothing is to be masked
 * @throws SluiceError SLUICE_CONFIG as `CaptureMasks`
 */
export function captureMasks(
  options: MaskOptions & { readonly masksDocuments: boolean | undefined },
  log: Logger,
): CaptureMasks | undefined {
  if (options.masksDocuments) return new CaptureMasks(options);
  if (options.masksDocuments === undefined && hasMasks(options.spec)) {
    log.warn(
      'the table spec has masks, which only `run` applies: the topic gets all in clear. Set MASK_CAPTURE=true to ' +
        'mask what is written to it, too, or MASK_CAPTURE=false if it may have clear text',
    );
  }
  return undefined;
}

export class CaptureMasks {
  /** Encrypts positions in the stream: tokens have the `_id` of a document. */
  readonly cipher: MessageCipher;
  /** Kept with each position. */
  readonly digests: readonly string[];
  /** Of a document's fields at the top level of a message. */
  readonly fields: Masked;
  /** Of `document`, where those are that have names of the envelope's own. */
  readonly clashing: Masked;
  /** Of an update's, by their paths. */
  readonly updated: Masked = { mask: undefined, members: { get: (path) => this.#atPath(path) } };
  readonly #masksOrderId: boolean;
  readonly #masksKey: boolean;
  readonly #values: MaskedValues;

  /** @throws SluiceError SLUICE_CONFIG if there is nothing to mask, no key, or something that a capture cannot mask */
  constructor(options: MaskOptions) {
    const { spec, maskKey } = options;
    if (!hasMasks(spec)) {
      throw new SluiceError(
        'SLUICE_CONFIG',
        'MASK_CAPTURE=true: the table spec has no masks: TABLE_SPEC names its file',
      );
    }
    if (maskKey === undefined) throw needsMaskKey('MASK_CAPTURE=true');
    const problems = captureMaskProblems(options);
    if (problems.length > 0) throw new SluiceError('SLUICE_CONFIG', `MASK_CAPTURE=true: ${problems.join('; ')}`);
    this.cipher = new MessageCipher(maskKey);
    this.digests = maskDigests(spec);
    this.#values = new MaskedValues(spec, maskKey);
    const fields = placesOf(spec, this.#values);
    const clashing = new Place();
    // What a document has in a field that is named as one of the envelope's is as private as that.
    for (const [name, place] of fields.members) clashing.members.set(name, place);
    const document = fields.members.get('document');
    for (const [name, place] of document?.members ?? []) clashing.members.set(name, place);
    clashing.mask = document?.mask;
    this.fields = fields;
    this.clashing = clashing;
    this.#masksOrderId = fields.members.get('order_id')?.mask !== undefined;
    this.#masksKey = spec.columns.some(({ mask, paths }) => mask !== undefined && paths.some(({ of }) => of === 'key'));
  }

  /** The key is masked with the order id, which it is another text of. */
  orderId({ text, type, key }: OrderId): OrderId {
    if (!this.#masksOrderId && !this.#masksKey) return { text, type, key };
    return { text: this.#masksOrderId ? this.hmac(text) : text, type, key: this.hmac(key) };
  }

  /**
   * In the layout of a resume token of MongoDB, which is not one. A token, and a hash without a key, tell the `_id`.
   * @param time 16 hex digits; undefined where the server does not tell it
   */
  changeId(time: string | undefined, of: string): string {
    return `82${time ?? NO_TIME}${MASKED_ID}${this.hmac(of).toUpperCase()}`;
  }

  hmac(text: string): string {
    return JSON.parse(this.#values.ofColumn(TEXT, JSON.stringify(text)));
  }

  /**
   * The masks of a field of an update, whose name is a path: `contact.email`, `items.0.owner`. A name may have dots of
   * its own: all that the path may mean is masked.
   */
  #atPath(path: string): Masked | undefined {
    const names = path.split('.');
    if (path.length > MAX_PATH_LENGTH) return HIDDEN;
    const found = new Set<Masked>();
    addMeanings(OWN_FIELDS.has(names[0]) ? this.clashing : this.fields, names, { found, lookups: 0 });
    const [only, ...others] = found;
    return others.length === 0 ? only : HIDDEN;
  }
}

const HIDDEN: Masked = { members: new Map(), mask: () => STARS };
/** Of longer paths, and of those with more ways to follow them, all is masked: who writes documents chooses names. */
const MAX_PATH_LENGTH = 1024;
const MAX_LOOKUPS = 1 << 14;

interface Meanings {
  readonly found: Set<Masked>;
  lookups: number;
}

function addMeanings(place: Masked, names: readonly string[], meanings: Meanings): void {
  if (names.length === 0 || place.mask !== undefined) {
    meanings.found.add(place);
    return;
  }
  if (/^\d+$/.test(names[0])) addMeanings(place, names.slice(1), meanings);
  for (let count = 1; count <= names.length; count++) {
    if (meanings.lookups++ >= MAX_LOOKUPS) {
      meanings.found.add(HIDDEN).add(place);
      return;
    }
    const inner = place.members.get(names.slice(0, count).join('.'));
    if (inner !== undefined) addMeanings(inner, names.slice(count), meanings);
  }
}

function placesOf({ columns, masks, ignore }: TableSpec, values: MaskedValues): Place {
  const root = new Place();
  for (const [index, { path }] of masks.entries()) {
    root.at(path.names).mask = (json) => values.ofPath(`m${index}`, json);
  }
  for (const [index, { mask, paths }] of columns.entries()) {
    if (mask === undefined) continue;
    for (const { names } of paths.filter(({ of }) => of === 'value')) {
      root.at(names).mask = (json) => values.ofColumn(`c${index}`, json);
    }
  }
  // What a table does not keep is not to be kept in Kafka, unless a column is inside of it.
  for (const { names } of ignore.filter(({ of }) => of === 'value')) {
    const isRead = columns.some(({ paths }) =>
      paths.some((path) => names.every((name, at) => path.names[at] === name)),
    );
    if (!isRead) root.at(names).mask ??= () => 'null';
  }
  return root;
}

/** A column for one value, and nothing else of the spec's. */
function columnOf(column: Pick<SpecColumn, 'kind' | 'mask'> & Partial<SpecColumn>, name: string): SpecColumn {
  const { kind, mask, unit, role } = column;
  return {
    ...{ name, kind, mask, unit, paths: [{ of: 'value', names: [name] }], required: false },
    // Integers are texts in a column of keys.
    role: role === 'key' ? role : undefined,
    ...{ raw: undefined, encoding: undefined, precision: undefined, scale: undefined, operations: undefined },
  };
}

/** The kernel, for one value at a time. */
class MaskedValues {
  readonly #columns: readonly SpecColumn[];
  readonly #kernel: Kernel;
  #chunk = new Chunk(8, CHUNK_BYTES, 0, 8);

  constructor({ columns, masks }: TableSpec, maskKey: Uint8Array) {
    const masked = columns.flatMap((column, index) => (column.mask ? columnOf(column, `c${index}`) : []));
    this.#columns = [...masked, columnOf({ kind: 'text', mask: 'hmac' }, TEXT)];
    const spec: TableSpec = {
      ...{ table: 'masked', view: 'masked_view', columns: this.#columns },
      ...{ embedded: [], ignore: [], deletes: undefined, expectations: [], copies: [] },
      masks: masks.map(({ mask }, index) => ({ path: { of: 'value', names: [`m${index}`] }, mask })),
    };
    this.#kernel = openKernel(spec, { ...FLAGS, ...SIZES, maskKey });
  }

  /** JSON of what a column keeps of a value that is not null; of what it cannot take, three stars. */
  ofColumn(name: string, json: string): string {
    const index = this.#columns.findIndex((column) => column.name === name);
    const { kind, mask } = this.#columns[index];
    if (mask === 'drop') return 'null';
    const row = this.#read(name, json);
    return (row && maskedCell(row.data.children[index], kind)) ?? STARS;
  }

  /** JSON of what `extra` keeps of a value. */
  ofPath(name: string, json: string): string {
    const row = this.#read(name, json);
    const extra = row?.getChild('extra')?.get(0) as string | null | undefined;
    return extra ? extra.slice(`{"${name}":`.length, -1) : STARS;
  }

  /** @returns undefined if the kernel does not take it */
  #read(name: string, json: string): RecordBatch | undefined {
    const message = Buffer.from(`{"${name}":${json}}`);
    if (message.length > this.#chunk.valueCapacity) this.#chunk = new Chunk(8, message.length * 2, 0, 8);
    const { views } = this.#chunk;
    views.values.set(message);
    views.valueOffsets[1] = message.length;
    setBit(views.valueValidity, 0, true);
    this.#chunk.rows = 1;
    this.#chunk.valueBytes = message.length;
    return this.#kernel.read(0, [this.#chunk.handle()]).recordBatches.find(({ numRows }) => numRows > 0);
  }
}
