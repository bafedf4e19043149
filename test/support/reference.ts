/**
 * What the kernel must make of a message, by the platform's decoder and `JSON.parse`: slow, plain, and apart from it.
 */
import type { Status } from '../../src/core/flow.js';
import type { FieldPath } from '../../src/schema/field-path.js';
import { roleColumn, type SpecColumn, type TableSpec, tableColumns } from '../../src/schema/spec.js';
import { quarantiningCheck } from './reference-checks.js';
import { type JsonNode, NotJson, scanJson, sourceOf } from './reference-json.js';
import { typedValue } from './reference-kinds.js';
import { maskedColumnJson, maskedExtra, maskedText, truncated } from './reference-masks.js';
import { extraMembers, nodeAt, PathNode, parsedAt, readsKeys, specTree, takesKeyAsText } from './reference-paths.js';
import { decimal4, type FieldValue, referenceAmount, referenceBytesAmount, referenceText } from './reference-values.js';

export interface ReferenceOptions {
  /** Decimal text with at most four decimals. */
  readonly highValueThreshold: string;
  readonly lateAfterMs: number;
}

export interface ReferenceMessage {
  /** null is a tombstone. */
  readonly value: Uint8Array | null;
  /** None by default. */
  readonly key?: Uint8Array | null;
  readonly partition: number;
  readonly offset: number | bigint;
  /** Milliseconds since the epoch, -1 for none. */
  readonly timestamp: number | bigint;
}

/** 64-bit integers, scaled decimals and microseconds are bigints, doubles and days numbers, bytes hex digits. */
export type ReferenceValue = string | bigint | number | boolean | null;

export interface ReferenceResult {
  readonly status: Status;
  /** Of messages that are quarantined: the byte to blame, or -1. */
  readonly position?: number;
  /** Of status missing_required: the first column without a value; of expectation its column. */
  readonly column?: string;
  /** Of status expectation: the first that fails. */
  readonly expectation?: string;
  /** Where the message is. */
  readonly offset?: number;
  /** Of status ok: the value of each column of `tableColumns(spec)`. */
  readonly row?: Record<string, ReferenceValue>;
}

/** The latest time that a column can hold, in milliseconds. */
const MAX_MILLISECONDS = 8_640_000_000_000_000n;

export function referenceRow(spec: TableSpec, options: ReferenceOptions, message: ReferenceMessage): ReferenceResult {
  if (message.value === null && !spec.deletes?.tombstone) return { status: 'tombstone' };
  const parts: Partial<Record<FieldPath['of'], Part>> = {};
  if (message.key && readsKeys(spec)) {
    const key = takesKeyAsText(spec) ? wholeText(message.key) : partOf(message.key, specTree(spec, 'key'));
    if (key instanceof NotJson) return { status: 'malformed', position: -1 };
    parts.key = key;
  }
  if (message.value !== null) {
    const value = partOf(message.value, specTree(spec, 'value'));
    if (value instanceof NotJson) return { status: 'malformed', position: value.position };
    if (value.root.kind !== 'object') return { status: 'not_object', position: value.root.start };
    parts.value = value;
  }
  const telling = tombstoneColumn(spec, parts);
  const lacking = spec.columns.find(
    (column) => column.required && column !== telling && isLacking(fieldOf(column, parts)?.node),
  );
  if (lacking !== undefined) return { status: 'missing_required', position: -1, column: lacking.name };
  const row = rowOf(spec, options, message, parts);
  const failed = quarantiningCheck(spec, row);
  if (failed === undefined) return { status: 'ok', row };
  const { name, column } = failed;
  return { status: 'expectation', position: -1, column, expectation: name, offset: Number(message.offset) };
}

/** The column that says of a row that it was a tombstone; undefined of other rows. */
function tombstoneColumn(spec: TableSpec, { value }: Parts): SpecColumn | undefined {
  if (value && nodeAt(value.root, spec.deletes?.nullAt?.names ?? [])?.kind !== 'null') return undefined;
  return roleColumn(spec, 'operation') ?? spec.columns.find(({ name }) => name === spec.deletes?.flag);
}

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes → value by the platform; throws if they are not JSON in UTF-8. */
export function parseJson(value: Uint8Array): unknown {
  return JSON.parse(strictText.decode(value));
}

function isJson(value: Uint8Array): boolean {
  try {
    parseJson(value);
    return true;
  } catch {
    return false;
  }
}

/** The value or the key of a message. */
interface Part {
  readonly root: JsonNode;
  readonly parsed: unknown;
  readonly tree: PathNode;
}

type Parts = Readonly<Partial<Record<FieldPath['of'], Part>>>;

function partOf(bytes: Uint8Array, tree: PathNode): Part | NotJson {
  try {
    const root = scanJson(Buffer.from(bytes).toString('latin1'), tree);
    return { root, parsed: parseJson(bytes), tree };
  } catch (thrown) {
    if (!(thrown instanceof NotJson)) throw thrown;
    if (!thrown.tooDeep && !thrown.isEmbedded && isJson(bytes))
      throw new Error(`JSON.parse takes what is no JSON from byte ${thrown.position} on`);
    return thrown;
  }
}

/** A key that is text, as if it were JSON text of it. */
function wholeText(bytes: Uint8Array): Part | NotJson {
  try {
    const parsed = strictText.decode(bytes);
    const text = Buffer.from(JSON.stringify(parsed)).toString('latin1');
    return { root: { kind: 'string', text, start: 0, end: text.length, members: [] }, parsed, tree: new PathNode() };
  } catch {
    return new NotJson(0);
  }
}

/** The first of the column's fields that is there. */
function fieldOf({ paths }: SpecColumn, parts: Parts): { path: FieldPath; node: JsonNode } | undefined {
  for (const path of paths) {
    const node = nodeAt(parts[path.of]?.root, path.names);
    if (node !== undefined) return { path, node };
  }
  return undefined;
}

function isLacking(node: JsonNode | undefined): boolean {
  return node === undefined || node.kind === 'null';
}

function rowOf(
  spec: TableSpec,
  options: ReferenceOptions,
  message: ReferenceMessage,
  parts: Parts,
): Record<string, ReferenceValue> {
  const row: Record<string, ReferenceValue> = {};
  const unread = new Set<FieldPath>();
  const telling = tombstoneColumn(spec, parts);
  let issues = 0n;
  for (const [index, column] of spec.columns.entries()) {
    const found = column === telling ? undefined : fieldOf(column, parts);
    const part = found && parts[found.path.of];
    const field: FieldValue = {
      parsed: part && parsedAt(part.parsed, found.path.names, part.tree),
      source: found === undefined ? '' : sourceOf(found.node),
    };
    const isThere = field.parsed !== undefined && field.parsed !== null;
    const { value, asSpecified } = isThere && column.mask !== 'drop' ? columnValue(column, field) : NOTHING;
    row[column.name] = maskedValue(spec, column, field, value ?? null, asSpecified);
    if (column.raw !== undefined) row[column.raw] = isThere ? rawOf(column, field) : null;
    if (asSpecified) continue;
    issues |= 1n << BigInt(index);
    const takesAll = column.kind === 'text' && column.operations === undefined;
    if (!takesAll && column.raw === undefined && found) unread.add(found.path);
  }
  if (telling !== undefined) row[telling.name] = telling.kind === 'bool' ? true : 'delete';
  const milliseconds = BigInt(message.timestamp);
  const hasTimestamp = milliseconds >= 0n && milliseconds <= MAX_MILLISECONDS;
  const timestamp = hasTimestamp ? milliseconds * 1000n : null;
  const amount = roleValue(spec, row, 'amount');
  const eventTime = roleValue(spec, row, 'event_time');
  const changeId = roleColumn(spec, 'change_id')?.name;
  const extra = extraOf(spec, parts, unread);
  row.extra = extra === '' ? null : maskedExtra(spec, `{${extra}}`);
  row.is_high_value = amount !== null && amount > decimal4(options.highValueThreshold);
  row.is_late = eventTime !== null && timestamp !== null && eventTime < timestamp - BigInt(options.lateAfterMs) * 1000n;
  row.issues = BigInt.asIntN(64, issues);
  row.kafka_partition = message.partition;
  row.kafka_offset = BigInt(message.offset);
  row.kafka_timestamp = timestamp;
  const token = changeId === undefined ? '' : String(row[changeId]);
  row.change_seq = BigInt(`0x${/^82([0-9a-fA-F]{16})/.exec(token)?.[1] ?? '0'}`);
  return Object.fromEntries(tableColumns(spec).map(({ name }) => [name, row[name]]));
}

interface ColumnValue {
  /** undefined if the column cannot take it. */
  readonly value: ReferenceValue | undefined;
  /** Whether that is all that came. */
  readonly asSpecified: boolean;
}

const NOTHING: ColumnValue = { value: null, asSpecified: true };

function columnValue(column: SpecColumn, field: FieldValue): ColumnValue {
  if (column.operations !== undefined) {
    const value =
      typeof field.parsed === 'object' ? undefined : new Map(Object.entries(column.operations)).get(textOf(field));
    return { value, asSpecified: value !== undefined };
  }
  if (column.kind === 'text') {
    if (typeof field.parsed === 'string') return { value: textOf(field), asSpecified: true };
    const text = referenceText(field, column.role === 'change_id' || column.role === 'key');
    return { value: text ?? field.source, asSpecified: text !== undefined };
  }
  if (column.kind === 'amount') {
    const { encoding, scale = 0 } = column;
    const amount = encoding === undefined ? referenceAmount(field) : referenceBytesAmount(field, scale);
    return { value: amount?.scaled, asSpecified: amount?.exact ?? false };
  }
  const value = typedValue(column, field);
  return { value, asSpecified: value !== undefined };
}

function rawOf({ mask }: SpecColumn, field: FieldValue): string | null {
  if (mask === 'drop') return null;
  return mask === undefined ? textOf(field) : '***';
}

function maskedValue(
  spec: TableSpec,
  column: SpecColumn,
  { parsed }: FieldValue,
  value: ReferenceValue,
  asSpecified: boolean,
): ReferenceValue {
  const { kind, mask } = column;
  if (typeof value === 'string' && kind === 'json') return maskedColumnJson(spec, column, value);
  if (mask === undefined || value === null || typeof value === 'boolean') return value;
  if (typeof value !== 'string') return truncated(column, value);
  return maskedText(value, mask, asSpecified || typeof parsed !== 'object');
}

/** A string's content, well formed; of anything else its JSON text. */
function textOf({ parsed, source }: FieldValue): string {
  return typeof parsed === 'string' ? Buffer.from(parsed).toString() : source;
}

function roleValue(spec: TableSpec, row: Record<string, ReferenceValue>, role: 'amount' | 'event_time'): bigint | null {
  const column = roleColumn(spec, role);
  return column === undefined ? null : (row[column.name] as bigint | null);
}

/** What no column takes of the key and of the value, as members. */
function extraOf(spec: TableSpec, { key, value }: Parts, unread: ReadonlySet<FieldPath>): string {
  const kept: string[] = [];
  if (key !== undefined) kept.push(keyExtra(spec, key, unread));
  if (value !== undefined) kept.push(extraMembers(value.root, specTree(spec, 'value', unread)));
  return kept.filter((members) => members !== '').join(',');
}

function keyExtra(spec: TableSpec, { root }: Part, unread: ReadonlySet<FieldPath>): string {
  const whole = spec.columns.flatMap(({ paths }) => paths).find(({ of, names }) => of === 'key' && names.length === 0);
  if (whole !== undefined) return unread.has(whole) ? `"message_key":${sourceOf(root)}` : '';
  const tree = specTree(spec, 'key', unread);
  const members = root.kind === 'object' ? extraMembers(root, tree) : '';
  if (root.kind !== 'object' && !tree.isIgnored) return `"message_key":${sourceOf(root)}`;
  return members === '' ? '' : `"message_key":{${members}}`;
}
