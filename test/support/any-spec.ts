/** Random specs whose paths meet, and random messages for them. */
import fc from 'fast-check';
import { MAPPED_OPERATIONS } from '../../src/core/operations.js';
import { type FieldPath, isWithin, overlap, type PathJson, pathJson } from '../../src/schema/field-path.js';
import { KINDS, type Kind, type TableSpec, TIME_UNITS, type TimeUnit } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { mutated } from './mutate.js';
import { ODD_AMOUNTS } from './odd-amounts.js';
import type { Random } from './random.js';

/** Few and alike, so that they meet: prefixes of each other, empty, escaped, dotted, named as members of objects. */
export const NAMES = [
  '',
  'a',
  'ab',
  'abc',
  'a.b',
  'a"b',
  'a\\',
  'é',
  '🎉',
  '__proto__',
  'constructor',
  'a-key-of-16-chars',
  'x'.repeat(40),
];
const name = fc.constantFrom(...NAMES);

/** Texts of SCALARS and what is near them; sometimes all words are taken as they are. */
const anyWords = fc.option(
  fc.dictionary(
    fc.constantFrom('', 'text', 'tex', 'true', '0', '1.5', 'A\n', 'é 🎉', '{}', 'delete', 'x'.repeat(40)),
    fc.constantFrom(...MAPPED_OPERATIONS),
    { minKeys: 1 },
  ),
  { nil: undefined, freq: 4 },
);

/** What a spec says of roles and deletes. */
const meanings = fc.record({
  operations: anyWords,
  hasChangeId: fc.boolean(),
  flag: fc.constantFrom(undefined, 'operation', 'flag', 'both'),
  tombstone: fc.boolean(),
});
type Meaning = typeof meanings extends fc.Arbitrary<infer T> ? T : never;

interface Draft {
  readonly paths: readonly FieldPath[];
  readonly kind: Kind;
  readonly required: boolean;
  readonly withRaw: boolean;
  readonly unit: TimeUnit | undefined;
  readonly scale: number | undefined;
}

const names = fc.oneof(
  { weight: 3, arbitrary: fc.array(name, { minLength: 1, maxLength: 2 }) },
  fc.array(name, { minLength: 3, maxLength: 8 }),
);
const ofValue = names.map((names): FieldPath => ({ of: 'value', names }));
const ofKey = names.map((names): FieldPath => ({ of: 'key', names }));

/** A valid spec of any columns; in some are alternatives, fields of the key, embedded JSON and fields to ignore. */
export const anySpec: fc.Arbitrary<TableSpec> = fc.boolean().chain((isPlain) => {
  const path = isPlain ? ofValue : fc.oneof({ weight: 5, arbitrary: ofValue }, ofKey);
  const more = isPlain ? fc.constant([]) : fc.array(path, { maxLength: 8 });
  const draft = fc.record({
    paths: fc.array(path, { minLength: 1, maxLength: isPlain ? 1 : 3 }),
    kind: fc.constantFrom(...KINDS),
    required: fc.boolean(),
    withRaw: fc.boolean(),
    unit: fc.constantFrom(undefined, ...TIME_UNITS),
    scale: fc.constantFrom(undefined, undefined, 0, 2, 4, 5, 18, 38),
  });
  const wholeKey = fc.boolean().map((takes) => takes && !isPlain);
  return fc
    .tuple(fc.array(draft, { maxLength: isPlain ? 62 : 20 }), more, more, wholeKey, meanings)
    .map(([drafts, embedded, ignore, takesKey, meaning]) => {
      const all = takesKey ? [{ ...WHOLE_KEY, kind: drafts[0]?.kind ?? 'text' }, ...drafts] : drafts;
      return specOf(all, embedded, ignore, { ...meaning, tombstone: !isPlain && !takesKey && meaning.tombstone });
    });
});

const WHOLE_KEY: Omit<Draft, 'kind'> = {
  paths: [{ of: 'key', names: [] }],
  required: false,
  withRaw: false,
  unit: undefined,
  scale: undefined,
};

interface OfPaths {
  readonly paths: readonly PathJson[];
}
const isOfValue = ({ paths }: OfPaths) => paths.every((path) => !('key' in path));
const hasWholeKey = ({ paths }: OfPaths) => paths.some((path) => 'key' in path && path.key.length === 0);
const isSame = (path: FieldPath, other: FieldPath) => isWithin(path, other) && isWithin(other, path);

/** What of the drafts has a path that overlaps with none of these, to which its paths are added. */
function columnsOf(drafts: readonly Draft[], taken: FieldPath[], tombstone: boolean) {
  return drafts.flatMap(({ paths, kind, required, withRaw, unit, scale }, index) => {
    const free = paths.filter((path) => {
      const isFree = !taken.some((other) => overlap(path, other));
      if (isFree) taken.push(path);
      return isFree;
    });
    if (free.length === 0) return [];
    const raw = withRaw && kind === 'amount' ? { raw: `raw_${index}` } : {};
    const ofTime = unit !== undefined && (kind === 'timestamp' || kind === 'date') ? { unit } : {};
    const isRequired = required && index % 8 === 0 && (!tombstone || free.some(({ of }) => of === 'key'));
    const column = { name: `column_${index}`, paths: free.map(pathJson), kind, required: isRequired };
    const ofAmount = kind === 'amount' && scale !== undefined ? { encoding: 'base64', scale } : {};
    const ofDecimal = kind === 'decimal' ? decimalSize(scale, withRaw) : {};
    return [{ ...column, ...raw, ...ofTime, ...ofAmount, ...ofDecimal }];
  });
}

function decimalSize(scale = 1, isBase64: boolean): object {
  return { precision: Math.max(scale, isBase64 ? 38 : 4), scale, ...(isBase64 && { encoding: 'base64' }) };
}

const KEY_IDS = ['a', 'ab'].map((name): FieldPath => ({ of: 'key', names: [name] }));

function idColumns(hasChangeId: boolean, tombstone: boolean): object[] {
  const [id, key] = KEY_IDS.map((path) => (tombstone ? [pathJson(path)] : []));
  return [
    { name: 'id', paths: ['id', ...id], kind: 'text', required: true, ...(hasChangeId && { role: 'change_id' }) },
    { name: 'key', paths: ['key', ...key], kind: 'text', required: true, role: 'key' },
  ];
}

/** Of the paths each that does not overlap with one before. */
function specOf(
  drafts: readonly Draft[],
  embedded: readonly FieldPath[],
  ignore: readonly FieldPath[],
  { operations, hasChangeId, flag, tombstone }: Meaning,
): TableSpec {
  const taken: FieldPath[] = [
    { of: 'value', names: ['id'] },
    { of: 'value', names: ['key'] },
  ];
  // A tombstone has what is required in its key.
  if (tombstone) taken.push(...KEY_IDS);
  const reserved = taken.length;
  const columns = columnsOf(drafts, taken, tombstone);
  const role = (kind: string, role: string, more: object = {}) =>
    columns.find(
      (column) =>
        column.kind === kind &&
        !('operations' in more && hasWholeKey(column)) &&
        Object.assign(column, { role, ...more }),
    );
  role('amount', 'amount');
  role('timestamp', 'event_time');
  const operation = flag === 'flag' ? undefined : role('text', 'operation', operations && { operations });
  const flagged = flag === 'operation' ? undefined : columns.find((column) => column.kind === 'bool');
  const telling = operation ?? flagged;
  const saysTombstone = telling !== undefined && isOfValue(telling);
  // Most are around columns.
  const around = taken.slice(reserved).flatMap(({ of, names }, index) => {
    const depth = index % 3 === 0 ? 0 : names.length - 1;
    return depth > 0 && !isPlain(embedded, ignore) ? [{ of, names: names.slice(0, 1 + (index % depth)) }] : [];
  });
  const isOutside = (path: FieldPath) => !taken.some((other) => isWithin(path, other));
  const only = (paths: readonly FieldPath[], isFirst: (path: FieldPath, other: FieldPath) => boolean) =>
    paths.filter(
      (path, at) =>
        !paths.some((other, index) => index !== at && isFirst(path, other) && (index < at || !isFirst(other, path))),
    );
  const ignored = only(ignore.filter(isOutside), isWithin);
  const isRead = (path: FieldPath) =>
    taken.some((inner) => isWithin(inner, path)) || !ignored.some((outer) => isWithin(path, outer));
  const allEmbedded = only([...embedded, ...around].filter(isOutside).filter(isRead), isSame).filter(
    (path, _, paths) => paths.filter((other) => isWithin(path, other)).length <= 4,
  );
  return parseSpec(
    JSON.stringify({
      table: 't',
      view: 'v',
      columns: [...idColumns(hasChangeId, tombstone), ...columns],
      embedded: allEmbedded.map(pathJson),
      ignore: ignored.map(pathJson),
      deletes: { ...(flagged && { flag: flagged.name }), tombstone: tombstone && saysTombstone },
    }),
    'of the test',
  );
}

function isPlain(embedded: readonly FieldPath[], ignore: readonly FieldPath[]): boolean {
  return embedded.length === 0 && ignore.length === 0;
}

const SCALARS = [
  ...ODD_AMOUNTS.map(({ json }) => json),
  ...[
    'null',
    'true',
    'false',
    '0',
    '-1',
    '1.5',
    '1735689600000',
    '9223372036854775807',
    '9223372036854775808',
    '1e5',
    '104.0',
  ],
  ...[
    '""',
    '"text"',
    '"2025-01-02T03:04:05.678901Z"',
    '"2025-02-30"',
    '"-42"',
    '"lone \\ud83d"',
    '"true"',
    '"fals\\u0065"',
    '"\\u0041\\n"',
    '"é 🎉"',
  ],
  ...[
    '[]',
    '{}',
    '[1,[2,{"a":null}]]',
    '{"$numberLong":"42"}',
    '{"$date":{"$numberLong":"1735689600000"}}',
    '{"$date":"2025-01-02"}',
    '{"$oid":"64f1c0a2e4b0c3d2a1b0c9d8"}',
    '{"$oid":"none"}',
    '{"$numberDouble":"104.0"}',
    '{"$numberInt":7}',
    '"A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11"',
    '"a0eebc999c0b4ef8bb6d6bb9bd380a11"',
    '"a0eebc99-9c0b4ef8-bb6d6bb9bd380a11"',
    '{"$uuid":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1\\u0031"}',
    '{"$binary":{"base64":"oO68mZwLTvi7bWu5vTgKEQ==","subType":"04"}}',
    '{ "$binary" : {"subType":"\\u0030","base\\u00364":"\\/w=="} }',
    '{"$binary":{"base64":"AA==","subType":4}}',
    '{"$binary":"{\\"base64\\":\\"AA==\\",\\"subType\\":\\"00\\"}"}',
    '12345678901234567890123456.789e-2',
    '-1e-9',
  ],
  // Integers in base64, of which some have bits that are of no byte, too many bytes, or none.
  ...['"AQ=="', '"/w=="', '"BNI="', '"\\/wA\\u0041"', '"AR=="', '"AAE"', '"A==="', '"===="', '"f/////////8="'],
  ...['"f////////////////////w=="', '"gAAAAAAAAAAAAAAAAAAAAA=="', '"AAAAAAAAAAAAAAAAAAAAAAAB"'],
];

const IDS = [
  ...['"82677501C00000002A2B"', '"82677501C00000002A2B"', '"k"', '42', '8212345678901234567890', '4.5', '[1]', 'true'],
  ...['{"$oid":"82677501c00000002a2b0229"}', '{"$oid":"\\u0038277501c00000002a2b02290"}', '{"$numberLong":"-7"}'],
];

/** JSON text of objects whose keys are the names, in no style: spaces, escaped keys and repeated keys come. */
function objectText(random: Random, depth: number): string {
  const space = () => (random.below(6) === 0 ? random.pick([' ', '\n', '\t ', '  \r\n']) : '');
  const keyText = () => {
    const key = JSON.stringify(random.pick(NAMES));
    return random.below(4) > 0 ? key : key.replace(/[a-z]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`);
  };
  const members = Array.from({ length: random.below(8) }, () => {
    const value = depth > 0 && random.below(3) === 0 ? innerText(random, depth - 1) : random.pick(SCALARS);
    return `${space()}${keyText()}${space()}:${space()}${value}${space()}`;
  });
  return `{${members.join(',') || space()}}`;
}

/** An object, or a string of JSON, most of it of an object; escapes come in all forms. */
function innerText(random: Random, depth: number): string {
  if (random.below(3) > 0) return objectText(random, depth);
  const inner = random.below(4) > 0 ? objectText(random, Math.min(depth, 2)) : random.pick(SCALARS);
  const damaged = random.below(10) > 0 ? inner : mutated(Buffer.from(inner), random).toString();
  const text = JSON.stringify(random.below(4) > 0 ? damaged : `${damaged} `);
  return random.below(4) > 0 ? text : text.replace(/\\"|[a-zé]/g, (all) => `\\u00${hexOf(all.at(-1)!)}`);
}

const hexOf = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');

/** A key for any such spec; null is none. */
export function keyText(random: Random): string | null {
  const kind = random.below(8);
  if (kind === 0) return null;
  if (kind === 1) return random.pick(['', ' ', 'no JSON', '"a', '{"a":1', '1 2', '\u0001']);
  return kind < 4 ? random.pick(SCALARS) : objectText(random, 2);
}

/** A message for any such spec, as JSON text. */
export function messageText(random: Random): string {
  const inner = objectText(random, 8).slice(1, -1);
  const required = random.below(20) > 0 ? `"id":${random.pick(IDS)},"key":${random.pick(IDS)}` : '"key":5';
  return inner.trim() === ''
    ? `{${required}}`
    : random.below(2) === 0
      ? `{${required},${inner}}`
      : `{${inner},${required}}`;
}
