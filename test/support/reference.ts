/**
 * What the kernel must make of a message, read with the platform's own decoder and `JSON.parse`: slow, plain, and
 * written apart from the kernel, so that a mistake of one is not one of the other.
 */
import type { Status } from '../../src/core/flow.js';
import {
  type Kind,
  roleColumn,
  type SpecColumn,
  type TableSpec,
  type TimeUnit,
  tableColumns,
} from '../../src/schema/spec.js';
import { type JsonNode, NotJson, scanJson, utf8 } from './reference-json.js';
import {
  type FieldValue,
  referenceAmount,
  referenceBytesAmount,
  referenceDate,
  referenceInt64,
  referenceText,
  referenceTimestamp,
} from './reference-values.js';

export interface ReferenceOptions {
  /** Decimal text with at most four decimals. */
  readonly highValueThreshold: string;
  readonly lateAfterMs: number;
}

export interface ReferenceMessage {
  /** null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly partition: number;
  readonly offset: number | bigint;
  /** Milliseconds since the epoch, -1 for none. */
  readonly timestamp: number | bigint;
}

/** 64-bit integers, decimals scaled by 10^4 and microseconds are bigints. */
export type ReferenceValue = string | bigint | number | boolean | null;

export interface ReferenceResult {
  readonly status: Status;
  /** Of messages that are quarantined: the byte to blame, or -1. */
  readonly position?: number;
  /** Of status missing_required: the first column without a value. */
  readonly column?: string;
  /** Of status ok: the value of each column of `tableColumns(spec)`. */
  readonly row?: Record<string, ReferenceValue>;
}

/** The latest time that a column can hold, in milliseconds. */
const MAX_MILLISECONDS = 8_640_000_000_000_000n;

export function referenceRow(spec: TableSpec, options: ReferenceOptions, message: ReferenceMessage): ReferenceResult {
  if (message.value === null) return { status: 'tombstone' };
  const bytes = Buffer.from(message.value).toString('latin1');
  let root: JsonNode;
  try {
    root = scanJson(bytes);
  } catch (thrown) {
    if (!(thrown instanceof NotJson)) throw thrown;
    if (!thrown.tooDeep && isJson(message.value))
      throw new Error(`JSON.parse takes what is no JSON from byte ${thrown.position} on`);
    return { status: 'malformed', position: thrown.position };
  }
  const parsed = parseJson(message.value);
  if (root.kind !== 'object') return { status: 'not_object', position: root.start };
  const lacking = spec.columns.find(({ paths, required }) => required && isLacking(nodeAt(root, paths[0].names)));
  if (lacking !== undefined) return { status: 'missing_required', position: -1, column: lacking.name };
  return { status: 'ok', row: rowOf(spec, options, message, { bytes, root, parsed }) };
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

interface Parsed {
  readonly bytes: string;
  readonly root: JsonNode;
  readonly parsed: unknown;
}

/** The value at a path: of a repeated key the last one. */
function nodeAt(root: JsonNode, path: readonly string[]): JsonNode | undefined {
  let node: JsonNode | undefined = root;
  for (const key of path) node = node?.members.findLast((member) => member.key === key)?.value;
  return node;
}

/** The same through the objects that JSON.parse made. */
function parsedAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    value = isObject && Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

function isLacking(node: JsonNode | undefined): boolean {
  return node === undefined || node.kind === 'null';
}

function rowOf(
  spec: TableSpec,
  options: ReferenceOptions,
  message: ReferenceMessage,
  { bytes, root, parsed }: Parsed,
): Record<string, ReferenceValue> {
  const row: Record<string, ReferenceValue> = {};
  const unread = new Set<SpecColumn>();
  let issues = 0n;
  for (const [index, column] of spec.columns.entries()) {
    const node = nodeAt(root, column.paths[0].names);
    const field: FieldValue = {
      parsed: parsedAt(parsed, column.paths[0].names),
      source: node === undefined ? '' : utf8(bytes.slice(node.start, node.end)),
    };
    const isThere = field.parsed !== undefined && field.parsed !== null;
    const { value, asSpecified } = isThere ? columnValue(column, field) : NOTHING;
    row[column.name] = value ?? null;
    if (column.raw !== undefined) row[column.raw] = isThere ? textOf(field) : null;
    if (asSpecified) continue;
    issues |= 1n << BigInt(index);
    const takesAll = column.kind === 'text' && column.operations === undefined;
    if (!takesAll && column.raw === undefined) unread.add(column);
  }
  const milliseconds = BigInt(message.timestamp);
  const hasTimestamp = milliseconds >= 0n && milliseconds <= MAX_MILLISECONDS;
  const timestamp = hasTimestamp ? milliseconds * 1000n : null;
  const amount = roleValue(spec, row, 'amount');
  const eventTime = roleValue(spec, row, 'event_time');
  const changeId = roleColumn(spec, 'change_id')?.name;
  const extra = extraMembers(bytes, root, pathTree(spec, unread));
  row.extra = extra === '' ? null : `{${extra}}`;
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
    const value = new Map(Object.entries(column.operations)).get(textOf(field));
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
  const value = typedValue(column.kind, column.unit, field);
  return { value, asSpecified: value !== undefined };
}

/** undefined if the value is not of that kind. */
function typedValue(
  kind: Exclude<Kind, 'text' | 'amount'>,
  unit: TimeUnit | undefined,
  field: FieldValue,
): ReferenceValue | undefined {
  switch (kind) {
    case 'json':
      return field.source;
    case 'timestamp':
      return referenceTimestamp(field, unit);
    case 'date':
      return referenceDate(field, unit);
    case 'int64':
      return referenceInt64(field);
    case 'bool':
      return new Map<unknown, boolean>(BOOLEANS).get(field.parsed);
  }
}

const BOOLEANS = [true, false].flatMap((value): [unknown, boolean][] => [
  [value, value],
  [String(value), value],
]);

/** A string's content, well formed; of anything else its JSON text. */
function textOf({ parsed, source }: FieldValue): string {
  return typeof parsed === 'string' ? Buffer.from(parsed).toString() : source;
}

function roleValue(spec: TableSpec, row: Record<string, ReferenceValue>, role: 'amount' | 'event_time'): bigint | null {
  const column = roleColumn(spec, role);
  return column === undefined ? null : (row[column.name] as bigint | null);
}

function decimal4(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(`${whole}${fraction.padEnd(4, '0')}`);
}

/** Keys that lead to a column, or to an object in which there are such keys. */
type PathTree = Map<string, PathTree | 'column'>;

/** @param without columns to which no key leads */
function pathTree({ columns }: TableSpec, without: ReadonlySet<SpecColumn>): PathTree {
  const root: PathTree = new Map();
  for (const column of columns) {
    const path = column.paths[0].names;
    let at = root;
    for (const key of path.slice(0, -1)) {
      const inner = at.get(key) ?? new Map();
      at.set(key, inner);
      at = inner as PathTree;
    }
    if (!without.has(column)) at.set(path[path.length - 1], 'column');
  }
  return root;
}

/** The members that no column takes, joined, as they are in the source. */
function extraMembers(bytes: string, object: JsonNode, tree: PathTree): string {
  const kept: string[] = [];
  for (const member of object.members) {
    const target = tree.get(member.key);
    if (target === 'column') continue;
    const { value } = member;
    if (target === undefined) {
      kept.push(utf8(`${member.keySource}:${bytes.slice(value.start, value.end)}`));
      continue;
    }
    if (object.members.findLast(({ key }) => key === member.key) !== member) continue;
    if (value.kind !== 'object') kept.push(utf8(`${member.keySource}:${bytes.slice(value.start, value.end)}`));
    else {
      const inner = extraMembers(bytes, value, target);
      if (inner !== '') kept.push(`${utf8(member.keySource)}:{${inner}}`);
    }
  }
  return kept.join(',');
}
