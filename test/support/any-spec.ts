/** Random specs whose paths meet, and random messages for them. */
import fc from 'fast-check';
import { MAPPED_OPERATIONS } from '../../src/core/operations.js';
import { KINDS, type TableSpec, TIME_UNITS } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
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
    fc.constantFrom('', 'text', 'tex', 'true', '0', '1.5', 'A\n', 'é 🎉', '{}', 'x'.repeat(40)),
    fc.constantFrom(...MAPPED_OPERATIONS),
    { minKeys: 1 },
  ),
  { nil: undefined, freq: 4 },
);

/** A valid spec of any columns. */
export const anySpec: fc.Arbitrary<TableSpec> = fc
  .array(
    fc.record({
      path: fc.oneof(
        { weight: 3, arbitrary: fc.array(name, { minLength: 1, maxLength: 2 }) },
        fc.array(name, { minLength: 3, maxLength: 8 }),
      ),
      kind: fc.constantFrom(...KINDS),
      required: fc.boolean().map((required) => required),
      withRaw: fc.boolean(),
      unit: fc.constantFrom(undefined, ...TIME_UNITS),
      scale: fc.constantFrom(undefined, undefined, 0, 2, 4, 5, 18, 38),
    }),
    { maxLength: 62 },
  )
  .chain((drafts) => fc.tuple(fc.constant(drafts), anyWords, fc.boolean()))
  .map(([drafts, operations, hasChangeId]) => {
    const taken = [['id'], ['key']];
    const columns = drafts.flatMap(({ path, kind, required, withRaw, unit, scale }, index) => {
      const overlaps = taken.some((other) => {
        const shared = Math.min(path.length, other.length);
        return path.slice(0, shared).every((key, depth) => key === other[depth]);
      });
      if (overlaps) return [];
      taken.push(path);
      const raw = withRaw && kind === 'amount' ? { raw: `raw_${index}` } : {};
      const ofTime = unit !== undefined && (kind === 'timestamp' || kind === 'date') ? { unit } : {};
      const ofAmount = kind === 'amount' && scale !== undefined ? { encoding: 'base64', scale } : {};
      const isRequired = required && index % 8 === 0;
      return [{ name: `column_${index}`, path, kind, required: isRequired, ...raw, ...ofTime, ...ofAmount }];
    });
    const role = (kind: string, role: string, more = {}) =>
      columns.find((column) => column.kind === kind && Object.assign(column, { role, ...more }));
    role('amount', 'amount');
    role('timestamp', 'event_time');
    role('text', 'operation', operations && { operations });
    return parseSpec(
      JSON.stringify({
        table: 't',
        view: 'v',
        columns: [
          { name: 'id', kind: 'text', required: true, ...(hasChangeId && { role: 'change_id' }) },
          { name: 'key', kind: 'text', required: true, role: 'key' },
          ...columns,
        ],
      }),
      'of the test',
    );
  });

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
    const value = depth > 0 && random.below(3) === 0 ? objectText(random, depth - 1) : random.pick(SCALARS);
    return `${space()}${keyText()}${space()}:${space()}${value}${space()}`;
  });
  return `{${members.join(',') || space()}}`;
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
