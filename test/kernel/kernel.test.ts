/** The reading rules one by one: every case has its result written down, and the reference must agree. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { damaged } from '../support/damage.js';
import { expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';
import { ODD_AMOUNTS } from '../support/odd-amounts.js';
import { Random } from '../support/random.js';
import type { ReferenceResult, ReferenceValue } from '../support/reference.js';

const kernels = kernelsOf(KINDS_SPEC);

/** Reads values as the whole message; both builds and the reference must say the same. */
function read(...values: (Uint8Array | string | null)[]): ReferenceResult[] {
  const messages = messagesOf(values);
  expectAsReference(kernels, KINDS_SPEC, messages);
  return kernelResults(kernels[0], KINDS_SPEC, messages);
}

/** The row of a message with these members. */
function row(members: string): Record<string, ReferenceValue> {
  const [result] = read(`{"id":"i","key":"k"${members === '' ? '' : ','}${members}}`);
  expect(result.status).toBe('ok');
  return result.row!;
}

function issues(...columns: string[]): bigint {
  return columns.reduce(
    (bits, name) => bits | (1n << BigInt(KINDS_SPEC.columns.findIndex((c) => c.name === name))),
    0n,
  );
}

type Case = readonly [json: string, value: string | number | boolean | null, rounded?: 'rounded'];
const fixture = (name: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../../fixtures/json/${name}.json`, import.meta.url), 'utf8'));

/** A scaled decimal as text. */
function scaledText(value: ReferenceValue, scale: number): string | null {
  if (typeof value !== 'bigint') return null;
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const decimal = (value: ReferenceValue) => scaledText(value, 4);

/** Microseconds as ISO 8601. */
function time(value: ReferenceValue): string | null {
  if (typeof value !== 'bigint') return null;
  const micros = ((value % 1000n) + 1000n) % 1000n;
  const date = new Date(Number((value - micros) / 1000n));
  return date.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

/** The date of a day since the epoch. */
function date(value: ReferenceValue): string | null {
  return typeof value === 'number' ? new Date(value * 86_400_000).toISOString().split('T')[0] : null;
}

/** A date is that of a time. */
const DATES = fixture('timestamps').map(
  ([json, value]): Case => [json, value === null ? null : `${value}`.split('T')[0]],
);

const TYPED = [
  { column: 'amount', cases: fixture('amounts'), text: decimal },
  {
    column: 'amount',
    cases: ODD_AMOUNTS.map((odd): Case => [odd.json, odd.decimal, odd.rounded ? 'rounded' : undefined]),
    text: decimal,
  },
  { column: 'time', cases: fixture('timestamps'), text: time },
  { column: 'day', cases: DATES, text: date },
  { column: 'int', cases: fixture('integers'), text: (value: ReferenceValue) => (value === null ? null : `${value}`) },
  { column: 'double', cases: fixture('doubles'), text: (value: ReferenceValue) => value },
  { column: 'wide', cases: fixture('decimals'), text: (value: ReferenceValue) => scaledText(value, 10) },
  { column: 'uuid', cases: fixture('uuids'), text: (value: ReferenceValue) => value },
  { column: 'binary', cases: fixture('binaries'), text: (value: ReferenceValue) => value },
  { column: 'flag', cases: fixture('booleans'), text: (value: ReferenceValue) => value },
];

describe.each(TYPED)('$column ($cases.length forms)', ({ column, cases, text }) => {
  it('reads every form, and marks what is none', () => {
    const results = read(...cases.map(([json]) => `{"id":"i","key":"k","${column}":${json}}`));
    const found = results.map(({ row }, index) => [cases[index][0], text(row![column]), row!.issues]);
    const isNull = (json: string) => json.trim() === 'null';
    expect(found).toEqual(
      cases.map(([json, value, rounded]) => {
        const isIssue = rounded !== undefined || (value === null && !isNull(json));
        return [json, value, isIssue ? issues(column) : 0n];
      }),
    );
  });
});

describe('text', () => {
  it.each([
    ['"plain"', 'plain'],
    ['""', ''],
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'],
    ['"\\u0041\\u00e9\\u20AC\\uD83C\\uDF89"', 'Aé€🎉'],
    ['"\\u0000"', '\0'],
    ['"\\ud83d"', '\ufffd'],
    ['"a\\ud83d\\u0041"', 'a\ufffdA'],
    ['"\\udf89\\ud83c"', '\ufffd\ufffd'],
    ['"\\ud83d\\ud83d\\ude00"', '\ufffd😀'],
    ['"é€🎉\u007f"', 'é€🎉\u007f'],
    ['null', null],
  ])('%s is decoded', (json, value) => {
    expect(row(`"text":${json}`)).toMatchObject({ text: value, issues: 0n });
  });

  it.each(['42', '-0.50e+1', 'true', '{ "a" : [1, "\\u0041"] }', '[]', '[ null ]'])('%s is kept as JSON', (json) => {
    expect(row(`"text": ${json} `)).toMatchObject({ text: json, issues: issues('text') });
  });

  it('is missing without an issue', () => {
    expect(row('')).toMatchObject({ text: null, json: null, amount: null, amount_raw: null, time: null, issues: 0n });
  });
});

describe('json', () => {
  it.each(['{ "a" : [1, "\\u0041"] }', '"text"', '1.50', 'false', '[]'])('keeps %s byte for byte', (json) => {
    expect(row(`"json": ${json} `)).toMatchObject({ json, issues: 0n });
  });

  it('keeps null as null', () => {
    expect(row('"json":null').json).toBeNull();
  });
});

describe('amount_raw', () => {
  it.each([
    ['"$1\\u002c234.50"', '$1,234.50'],
    ['1.50', '1.50'],
    ['{ "$numberDecimal" : "1.5" }', '{ "$numberDecimal" : "1.5" }'],
    ['"no amount"', 'no amount'],
    ['null', null],
  ])('of %s', (json, raw) => {
    expect(row(`"amount": ${json}`).amount_raw).toBe(raw);
  });
});

describe('keys', () => {
  it('are matched whole, decoded, and in the object that they belong to', () => {
    const members = [
      '"":"e","tex":"p","te\\u0078t":"t","texts":"l","a.b":"dot","say \\"hi\\"\\\\":"q","sch\\u00f6n":"s"',
      '"a":{"d":"2","b":{"c":{"d":"1","e":5},"d":6}}',
    ].join(',');
    expect(row(members)).toMatchObject({
      ...{ empty: 'e', prefix: 'p', text: 't', longer: 'l', dotted: 'dot', quoted: 'q', accent: 's' },
      ...{ deep: '1', same_leaf: '2', extra: '{"a":{"b":{"c":{"e":5},"d":6}}}' },
    });
  });

  it('count if they come last', () => {
    expect(row('"text":"1","int":"x","a":{"d":"1","b":{}},"int":7,"text":"2","a":{"b":{"c":{"d":"3"}}}')).toMatchObject(
      {
        ...{ text: '2', int: 7n, deep: '3', same_leaf: null, issues: 0n, extra: null },
      },
    );
  });

  it('of fields that have no column are kept as often as they come', () => {
    const extra = '"x":1, "y" : {"z":[1, 2]},"x":2,"\\u0078":"\\u0041"';
    expect(row(`"text":"t",${extra},"flag":true`).extra).toBe('{"x":1,"y":{"z":[1, 2]},"x":2,"\\u0078":"\\u0041"}');
  });

  it.each(['1', '"text"', 'null', '[{"d":"1"}]', '{}'])('lead nowhere through a parent that is %s', (json) => {
    const found = row(`"a":{"d":"1","x":0},"a":${json}`);
    expect(found).toMatchObject({ deep: null, same_leaf: null, extra: json === '{}' ? null : `{"a":${json}}` });
  });
});

describe('derived columns', () => {
  it('flags amounts above the threshold', () => {
    const amounts = ['1000', '1000.0001', '"$1,000.00005"', '999.99999', '-5000', 'null', '"none"'];
    const flags = read(...amounts.map((amount) => `{"id":"i","key":"k","amount":${amount}}`)).map(
      ({ row }) => row!.is_high_value,
    );
    expect(flags).toEqual([false, true, true, false, false, false, false]);
  });

  it('flags events that are late for their Kafka timestamp', () => {
    const [{ timestamp }] = messagesOf([null]);
    const times = [-600_000, -600_001, 0].map((ms) => String(Number(timestamp) + ms));
    const late = times.map((ms) => {
      const [result] = read(`{"id":"i","key":"k","time":${ms}}`);
      return result.row!.is_late;
    });
    expect(late).toEqual([false, true, false]);
    const [message] = messagesOf(['{"id":"i","key":"k","time":0}']);
    const untimed = [{ ...message, timestamp: -1 }];
    expectAsReference(kernels, KINDS_SPEC, untimed);
    expect(kernelResults(kernels[0], KINDS_SPEC, untimed)[0].row).toMatchObject({
      is_late: false,
      kafka_timestamp: null,
    });
  });

  it.each([
    ['82677501C00000002A2B0229296E04', 0x677501c00000002an],
    ['82ffffffffffffffff', 0xffffffffffffffffn],
    ['82677501c00000002', 0n],
    ['82677501C0000000G1', 0n],
    ['83677501C00000002A', 0n],
    ['', 0n],
  ])('takes change_seq from %s', (id, seq) => {
    const [result] = read(`{"id":"${id}","key":"k"}`);
    expect(result.row).toMatchObject({ id, change_seq: seq });
  });
});

const VALID = '{"id":"i","key":"k","text":"t"}';
const REJECTED: readonly (readonly [name: string, value: Uint8Array | string, status: string, position: number])[] = [
  ['an empty value', '', 'malformed', 0],
  ['spaces only', ' \n', 'malformed', 2],
  ['a text that ends early', '{"id":"i","key"', 'malformed', 15],
  ['a string that ends early', '{"id":"i', 'malformed', 8],
  ['a comma too many', '{"id":"i",}', 'malformed', 10],
  ['something after it', `${VALID}{}`, 'malformed', VALID.length],
  ['a NUL byte after it', `${VALID}\0`, 'malformed', VALID.length],
  ['a byte order mark', `\ufeff${VALID}`, 'malformed', 0],
  ['a control character', '{"id":"a\tb"}', 'malformed', 8],
  ['an unknown escape', '{"id":"\\x41"}', 'malformed', 8],
  ['a number with a leading zero', '{"id":01}', 'malformed', 7],
  ['a number without decimals', '{"id":1.}', 'malformed', 8],
  ['NaN', '{"id":NaN}', 'malformed', 6],
  ['a wrong literal', '{"id":nul}', 'malformed', 9],
  ['an overlong character', Buffer.from('{"id":"\xc0\xaf"}', 'latin1'), 'malformed', 7],
  ['half a surrogate in UTF-8', Buffer.from('{"id":"\xed\xa0\x80"}', 'latin1'), 'malformed', 8],
  ['a character cut short', Buffer.from('{"id":"\xf0\x9f\x8e"}', 'latin1'), 'malformed', 10],
  ['invalid UTF-8 outside of strings', Buffer.from('{"id":\xff}', 'latin1'), 'malformed', 6],
  ['an array', ' [1]', 'not_object', 1],
  ['a number', '42', 'not_object', 0],
];

/** What has no value, and the first column that lacks one. */
const LACKING = [
  ['{"key":"k"}', 'id'],
  ['{"key":"k","id":null}', 'id'],
  ['{"id":"i"}', 'key'],
  ['{"id":"i", "key" : null}', 'key'],
  ['{"id":"i","id":null}', 'id'],
  ['{}', 'id'],
] as const;

describe('quarantine', () => {
  it.each(REJECTED)('%s', (_name, value, status, position) => {
    expect(read(VALID, value, VALID).map((result) => result.status)).toEqual(['ok', status, 'ok']);
    expect(read(value)).toEqual([{ status, position }]);
  });

  it.each(LACKING)('%s lacks %s', (value, column) => {
    expect(read(VALID, value, VALID).map((result) => result.status)).toEqual(['ok', 'missing_required', 'ok']);
    expect(read(value)).toEqual([{ status: 'missing_required', position: -1, column }]);
  });

  it('recognizes every damage of the generator', () => {
    const random = new Random(5);
    const values = (['truncated', 'bad_syntax', 'invalid_utf8', 'empty', 'not_object'] as const).flatMap((kind) =>
      Array.from({ length: 100 }, () => damaged('{"id":"i","key":"k","name":"n","operation":"o"}', kind, random)),
    );
    expectAsReference(kernels, KINDS_SPEC, messagesOf(values));
  });

  it('nests to a depth of 1,024', () => {
    const nested = (depth: number) => `{"id":"i","key":"k","x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(read(nested(1024), nested(1025)).map(({ status }) => status)).toEqual(['ok', 'malformed']);
    const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect(read(objects(1024), objects(1025)).map(({ status }) => status)).toEqual(['missing_required', 'malformed']);
  });

  it('knows a tombstone from an empty value', () => {
    expect(read(null, '', null).map(({ status }) => status)).toEqual(['tombstone', 'malformed', 'tombstone']);
  });
});
