/** Whether all that a message has is somewhere in its row: written without the reference, as someone would ask it. */
import assert from 'node:assert/strict';
import { type FieldPath, isWithin, pathText } from '../../src/schema/field-path.js';
import { DEFAULT_UNIT, type SpecColumn, type TableSpec, type TimeUnit } from '../../src/schema/spec.js';
import type { ReferenceValue } from './reference.js';
import { type JsonNode, scanJson } from './reference-json.js';

/** JSON without repeated keys: an object's members, or the text of anything else. */
export type Tree = string | readonly Member[];
export type Member = readonly [key: string, value: Tree];
type Row = Readonly<Record<string, ReferenceValue>>;
type Path = readonly string[];

/** A message; without a key if that is undefined. */
export interface Message {
  readonly value: Tree;
  readonly key: Tree | undefined;
}

/**
 * As the JSON text of a message's value or key.
 * @param spec whose embedded values are strings of JSON in it; none by default
 */
export function textOfTree(tree: Tree, spec?: TableSpec, path: FieldPath = { of: 'value', names: [] }): string {
  const text = typeof tree === 'string' ? tree : membersText(tree, spec, path);
  return spec?.embedded.some((other) => isSame(other, path)) ? JSON.stringify(text) : text;
}

function membersText(members: readonly Member[], spec: TableSpec | undefined, path: FieldPath): string {
  const texts = members.map(([key, value]) => `${JSON.stringify(key)}:${textOfTree(value, spec, inner(path, key))}`);
  return `{${texts.join(',')}}`;
}

function inner({ of, names }: FieldPath, key: string): FieldPath {
  return { of, names: [...names, key] };
}

function treeAt(tree: Tree, path: Path): Tree | undefined {
  let at: Tree | undefined = tree;
  for (const key of path) {
    at = typeof at === 'string' ? undefined : at?.find(([name]) => name === key)?.[1];
  }
  return at;
}

/** What a message has for a column: where, and what; undefined if there is nothing, or null. */
export function valueFor(column: SpecColumn, message: Message): { path: FieldPath; value: Tree } | undefined {
  for (const path of column.paths) {
    const tree = message[path.of];
    const value = tree && treeAt(tree, path.names);
    if (value !== undefined) return value === 'null' && !takesBytes(column, path) ? undefined : { path, value };
  }
  return undefined;
}

/** Whether a column has all of the key, be it JSON or not. */
function takesBytes({ kind }: SpecColumn, { of, names }: FieldPath): boolean {
  return kind === 'text' && of === 'key' && names.length === 0;
}

/** @throws if a value of the message is neither in its column nor in `extra` */
export function assertKept(spec: TableSpec, message: Message, row: Row): void {
  for (const column of spec.columns) {
    const found = valueFor(column, message);
    if (found === undefined) assert.equal(row[column.name], null);
    else {
      const text = textOfTree(found.value);
      const kept = extraAt(row, found.path);
      const places = [row[column.name], column.raw && row[column.raw], kept];
      const isInColumn = () => (takesBytes(column, found.path) ? row[column.name] === text : isKept(column, text, row));
      const isThere = kept === text || isInColumn();
      assert(isThere, `${column.kind} ${pathText(found.path)} ${text}: ${places.join(' | ')}`);
    }
  }
  assertOthersKept(spec, message.value, { of: 'value', names: [] }, row);
  const readsKey = spec.columns.some(({ paths }) => paths.some(({ of }) => of === 'key'));
  if (readsKey && message.key !== undefined) assertOthersKept(spec, message.key, { of: 'key', names: [] }, row);
}

/** What no column's path leads to is in `extra`, unless the spec says that it is ignored. */
function assertOthersKept(spec: TableSpec, tree: Tree, path: FieldPath, row: Row): void {
  if (spec.columns.some(({ paths }) => paths.some((other) => isSame(other, path)))) return;
  if (spec.ignore.some((outer) => isWithin(path, outer))) return;
  if (typeof tree === 'string') {
    if (tree !== '{}') assert.deepEqual([path, extraAt(row, path)], [path, tree]);
  } else for (const [key, value] of tree) assertOthersKept(spec, value, inner(path, key), row);
}

function isSame(one: FieldPath, other: FieldPath): boolean {
  return isWithin(one, other) && isWithin(other, one);
}

/** The JSON text at a path in `extra`, where the fields of the key are in a member of their own. */
function extraAt({ extra }: Row, { of, names }: FieldPath): string | undefined {
  if (typeof extra !== 'string') return undefined;
  const bytes = Buffer.from(extra).toString('latin1');
  let node: JsonNode | undefined = scanJson(bytes);
  for (const key of of === 'key' ? ['message_key', ...names] : names) {
    node = node?.members.find((member) => member.key === key)?.value;
  }
  return node && Buffer.from(bytes.slice(node.start, node.end), 'latin1').toString();
}

/** Whether the JSON text is in the column, or in the one of raw text. */
function isKept(column: SpecColumn, text: string, row: Row): boolean {
  if (column.raw !== undefined && isText(text, row[column.raw])) return true;
  return isInColumn(column, text, row[column.name]);
}

function isInColumn(column: SpecColumn, text: string, value: ReferenceValue): boolean {
  const { kind, unit, encoding, scale, operations } = column;
  if (operations !== undefined) {
    return Object.entries(operations).some(([from, to]) => to === value && isText(text, from));
  }
  if (encoding !== undefined && text.startsWith('"')) {
    const bytes = Buffer.from(JSON.parse(text), 'base64').toString('hex');
    const integer = BigInt.asIntN(bytes.length * 4, BigInt(`0x${bytes}`));
    return canonical(`${value}e-${kind === 'decimal' ? scale : 4}`) === canonical(`${integer}e-${scale}`);
  }
  switch (kind) {
    case 'json':
      return value === text;
    case 'text':
      return isText(text, value) || (typeof value === 'string' && value === soleMember(text));
    case 'bool':
      return isText(text, String(value));
    case 'int64':
      return typeof value === 'bigint' && canonical(String(value)) === canonical(numberText(text));
    case 'uuid':
    case 'binary':
      return typeof value === 'string' && isBytes(text, value);
    case 'decimal':
      return typeof value === 'bigint' && canonical(numberText(text)) === canonical(`${value}e-${scale}`);
    case 'double':
      return typeof value === 'number' && value === Number(numberText(text));
    case 'amount':
      return typeof value === 'bigint' && isAmount(numberText(text), value);
    case 'timestamp':
      return typeof value === 'bigint' && isTime(text, unit, value, 1n);
    case 'date':
      return typeof value === 'number' && isTime(text, unit, BigInt(value), 86_400_000_000n);
  }
}

/** A string's content, but for half surrogates; of anything else the JSON text. */
function isText(text: string, value: ReferenceValue | undefined): boolean {
  return value === (text.startsWith('"') ? Buffer.from(JSON.parse(text)).toString() : text);
}

/** The string in an object of one member, or the text of a number in it; undefined for anything else. */
function soleMember(text: string): string | undefined {
  return /^\{"\$\w+":(?:"([^"\\]*)"|([-\d.eE+]+))\}$/.exec(text)?.slice(1).join('');
}

/** Whether the bytes are those of the first text that is any: hex digits of a UUID, or base64. */
function isBytes(text: string, hex: string): boolean {
  const written = text.startsWith('"') ? JSON.parse(text) : /:"([^"]*)"/.exec(text.replace('"subType":"04",', ''))?.[1];
  return written.replaceAll('-', '').toLowerCase() === hex || Buffer.from(written, 'base64').toString('hex') === hex;
}

/** A number, or the text of one in a string or in extended JSON. */
function numberText(text: string): string {
  return text.startsWith('"') ? JSON.parse(text) : (soleMember(text) ?? text);
}

/** Equal numbers have equal ones, however they are written; undefined for what is no plain number. */
function canonical(text: string): string | undefined {
  const match = /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction, exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return significant === '' ? '0' : `${sign === '-' ? '-' : ''}${significant}e${power}`;
}

/** @param value scaled by 10^4 */
function isAmount(text: string, value: bigint): boolean {
  const plain = canonical(text);
  if (plain !== undefined) return plain === canonical(`${value}e-4`);
  // With separators, signs and currencies: the digits are the same.
  const digits = (all: string) => all.replace(/\D/g, '').replace(/^0+|0+$/g, '');
  return digits(text) === digits(String(value));
}

const MICROSECONDS: Record<TimeUnit, number> = { d: 864e8, s: 1e6, ms: 1e3, us: 1, ns: 1e-3 };

/** @param size of what the value counts, in microseconds */
function isTime(text: string, unit: TimeUnit = DEFAULT_UNIT, value: bigint, size: bigint): boolean {
  const start = value * size;
  const [, date] = /"(\d{4}-\d\d-\d\d)/.exec(text) ?? [];
  if (date !== undefined) {
    // A zone moves it by a day at most.
    const difference = Number(start) / 1e3 - Date.parse(date);
    return difference > -86_400_000 && difference < 2 * 86_400_000;
  }
  const isDate = text.startsWith('{');
  const count = BigInt(/-?\d+/.exec(text)![0]);
  const micros =
    isDate || unit === 'ms' ? count * 1000n : unit === 'ns' ? floor(count, 1000n) : count * BigInt(MICROSECONDS[unit]);
  return floor(micros, size) === value;
}

function floor(value: bigint, size: bigint): bigint {
  return (value - (((value % size) + size) % size)) / size;
}
