/** What masks must make of values, with `node:crypto` and regular expressions. */
import { createHmac } from 'node:crypto';
import { type FieldPath, isWithin } from '../../src/schema/field-path.js';
import type { Mask, Period } from '../../src/schema/mask.js';
import type { SpecColumn, TableSpec } from '../../src/schema/spec.js';

/** Of all kernels in tests. */
export const TEST_KEY = Buffer.from('a key of the tests, of 36 characters');

export function referenceHmac(text: string): string {
  return createHmac('sha256', TEST_KEY).update(text).digest('hex').slice(0, 32);
}

/** A mask, or masks by the names of members: names that are paths, or in an object that may be something else. */
type Masks = { mask?: Mask; members: Map<string, Masks>; isDotted?: boolean; isAround?: boolean };

const none = (): Masks => ({ members: new Map() });

function add(masks: Masks, names: readonly string[], mask: Mask): void {
  let at = masks;
  for (const name of names) {
    if (!at.members.has(name)) at.members.set(name, none());
    at = at.members.get(name)!;
  }
  at.mask ??= mask;
}

const pathsOf = (spec: TableSpec) => [
  ...spec.masks,
  ...spec.columns.flatMap(({ paths, mask }) => (mask === undefined ? [] : paths.map((path) => ({ path, mask })))),
];

/** As messages of a capture have them. */
const COPIES_OF_CAPTURE = [
  { path: ['update', 'updatedFields'], of: ['document'], dotted: true },
  { path: ['update', 'updatedFields'], of: [], dotted: true },
  { path: ['document'], of: [], dotted: false },
];

const copiesOf = ({ copies }: TableSpec): { path: readonly string[]; of: readonly string[]; dotted: boolean }[] =>
  copies?.length === 0
    ? []
    : [
        ...(copies ?? []).map(({ path, of, dotted }) => ({ path: path.names, of: of?.names ?? [], dotted })),
        ...COPIES_OF_CAPTURE,
      ];

const startsWith = (names: readonly string[], start: readonly string[]) =>
  start.every((name, index) => name === names[index]);

function addCopies(masks: Masks, spec: TableSpec, around: readonly string[]): void {
  const ignored = spec.ignore.map((path) => ({ path, mask: 'drop' as const, isIgnored: true }));
  const masked = pathsOf(spec);
  for (const copies of copiesOf(spec)) {
    const { path, of } = copies;
    for (const { path: origin, mask, isIgnored } of [
      ...masked.map((one) => ({ ...one, isIgnored: false })),
      ...ignored,
    ]) {
      if (isIgnored && copies === COPIES_OF_CAPTURE[0] && origin.names.join() === 'document') continue;
      const names = [...path, ...origin.names.slice(of.length)];
      const isAllOfIt = startsWith(of, origin.names);
      const isCopied = origin.of === 'value' && (isAllOfIt || startsWith(origin.names, of));
      if (isCopied && startsWith(names, around) && names.length > around.length) {
        add(masks, names.slice(around.length), mask);
      }
    }
  }
  for (const { path, dotted } of copiesOf(spec)) {
    if (!startsWith(path, around)) continue;
    for (let depth = Math.max(1, around.length); depth <= path.length; depth++) {
      const names = path.slice(0, depth);
      const at = names.slice(around.length).reduce((at, name) => at?.members.get(name), masks as Masks | undefined);
      if (at === undefined) continue;
      at.isDotted ||= dotted && depth === path.length;
      const isNamed = [...masked, ...(spec.copies ?? [])].some(
        ({ path: { of, names: inner } }) => of === 'value' && startsWith(inner, names),
      );
      at.isAround = !at.isDotted && !isNamed;
    }
  }
}

/** `extra`, masked. */
export function maskedExtra(spec: TableSpec, extra: string): string {
  const masks = none();
  for (const { path, mask } of pathsOf(spec)) {
    add(masks, path.of === 'key' ? ['message_key', ...path.names] : path.names, mask);
  }
  if (masks.members.size === 0) return extra;
  addCopies(masks, spec, []);
  return maskedJson(extra, masks);
}

/** The JSON of a column, masked. */
export function maskedColumnJson(spec: TableSpec, { paths, mask }: SpecColumn, json: string): string {
  const masks: Masks = { mask, members: new Map() };
  const inner = (path: FieldPath) => paths.filter((around) => isWithin(path, around));
  for (const { path, mask } of spec.masks) {
    for (const around of inner(path)) add(masks, path.names.slice(around.names.length), mask);
  }
  const isMasked = pathsOf(spec).length > 0;
  for (const { of, names } of paths) if (isMasked && of === 'value') addCopies(masks, spec, names);
  return mask === undefined && masks.members.size === 0 ? json : maskedJson(json, masks);
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+)\s*/gsy;

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function tokensOf(json: string): Token[] {
  return [...json.matchAll(TOKEN)].map(({ 0: all, 1: text, index }) => {
    const start = index + all.indexOf(text);
    return { text, start, end: start + text.length };
  });
}

function maskedJson(json: string, masks: Masks): string {
  const tokens = tokensOf(json);
  const parts: string[] = [];
  let copied = 0;
  /** The index of the token after the value that starts with this one. */
  const skip = (index: number): number => {
    let depth = 0;
    do {
      if ('{['.includes(tokens[index].text)) depth++;
      if ('}]'.includes(tokens[index].text)) depth--;
      index++;
    } while (depth > 0);
    return index;
  };
  const walk = (index: number, masks: Masks): number => {
    const { text, start } = tokens[index];
    const { mask, isAround } = masks;
    if (isAround && mask === undefined && !'{['.includes(text)) return index + 1;
    if (mask !== undefined || !'{['.includes(text)) {
      const after = skip(index);
      const value = json.slice(start, tokens[after - 1].end);
      parts.push(json.slice(copied, start), maskedValue(value, mask ?? 'redact'));
      copied = start + value.length;
      return after;
    }
    let at = index + 1;
    while (!'}]'.includes(tokens[at].text)) {
      if (text === '[') at = walk(at, masks);
      else {
        const inner = memberOf(masks, JSON.parse(tokens[at].text));
        at = inner === undefined ? skip(at + 2) : walk(at + 2, inner);
      }
      if (tokens[at].text === ',') at++;
    }
    return at + 1;
  };
  walk(0, masks);
  return [...parts, json.slice(copied)].join('');
}

const HIDDEN: Masks = { ...none(), mask: 'redact' };

function memberOf(masks: Masks, name: string): Masks | undefined {
  if (!masks.isDotted) return masks.members.get(name);
  if (Buffer.byteLength(name) > 1024) return HIDDEN;
  const found = [...new Set(meanings(masks, name.split('.'), false))];
  return found.length > 1 ? HIDDEN : found[0];
}

/** All that a path may mean: names may have dots, and after the first one numbers may be elements of arrays. */
function meanings(masks: Masks, names: readonly string[], isInside: boolean): Masks[] {
  if (names.length === 0 || masks.mask !== undefined) return [masks];
  const found = isInside && /^\d+$/.test(names[0]) ? meanings(masks, names.slice(1), true) : [];
  for (let count = 1; count <= names.length; count++) {
    const inner = masks.members.get(names.slice(0, count).join('.'));
    if (inner !== undefined) found.push(...meanings(inner, names.slice(count), true));
  }
  return found;
}

/** JSON of JSON. */
function maskedValue(value: string, mask: Mask): string {
  if (value === 'null' || mask === 'drop') return 'null';
  const isString = value.startsWith('"');
  if (mask === 'hmac') return `"${referenceHmac(isString ? Buffer.from(JSON.parse(value)).toString() : value)}"`;
  if (typeof mask === 'string' || !('partial' in mask) || '{['.includes(value[0])) return '"***"';
  const characters = isString ? value.slice(1, -1).match(CHARACTER) : [...value];
  return `"***${kept(characters ?? [], mask.partial.keep)}"`;
}

const CHARACTER = /\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|./gsu;

function kept(characters: readonly string[], keep: number): string {
  return characters.length < keep * 2 ? '' : characters.slice(characters.length - keep).join('');
}

/** Of a column of text. @param isText whether the value is no object and no array */
export function maskedText(text: string, mask: Mask, isText: boolean): string {
  if (mask === 'hmac') return referenceHmac(text);
  if (typeof mask === 'string' || !('partial' in mask) || !isText) return '***';
  return `***${kept([...text], mask.partial.keep)}`;
}

/** Microseconds, days, integers, or amounts scaled by 10^4. */
export function truncated({ kind, mask }: SpecColumn, value: bigint | number): bigint | number {
  if (typeof mask !== 'object' || !('truncate' in mask)) return value;
  const { to } = mask.truncate;
  if (typeof to === 'number') {
    const multiple = BigInt(to) * (kind === 'amount' ? 10_000n : 1n);
    return (value as bigint) - ((value as bigint) % multiple);
  }
  if (typeof value === 'number') return startOf(new Date(value * 86_400_000), to) / 86_400_000;
  const milliseconds = value / 1000n - (value % 1000n < 0n ? 1n : 0n);
  return BigInt(startOf(new Date(Number(milliseconds)), to)) * 1000n;
}

function startOf(date: Date, to: Period): number {
  date.setUTCMinutes(0, 0, 0);
  if (to !== 'hour') date.setUTCHours(0);
  if (to === 'month' || to === 'year') date.setUTCDate(1);
  if (to === 'year') date.setUTCMonth(0);
  return date.getTime();
}
