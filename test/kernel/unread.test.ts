/** What is not as its column is specified: where it is kept, and how it is marked. */
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { tightKernels } from '../support/guarded-kernel.js';
import { expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';
import type { ReferenceValue } from '../support/reference.js';

const kernels = kernelsOf(KINDS_SPEC);

function rows(...values: string[]): Record<string, ReferenceValue>[] {
  const messages = messagesOf(values);
  expectAsReference(kernels, KINDS_SPEC, messages);
  return kernelResults(kernels[0], KINDS_SPEC, messages).map(({ row }) => row!);
}

const withMembers = (members: string) => `{"id":"i","key":"k",${members}}`;
const row = (members: string) => rows(withMembers(members))[0];
const bitOf = (name: string) => 1n << BigInt(KINDS_SPEC.columns.findIndex((column) => column.name === name));

describe('what a column cannot take', () => {
  it.each([
    ['"int":"x"', 'int', '{"int":"x"}'],
    ['"int":1.5', 'int', '{"int":1.5}'],
    ['"int":{ "a" : [1] }', 'int', '{"int":{ "a" : [1] }}'],
    ['"flag":"tr\\u0075th"', 'flag', '{"flag":"tr\\u0075th"}'],
    ['"time":"soon"', 'time', '{"time":"soon"}'],
    ['"day":true', 'day', '{"day":true}'],
    ['"price":"a lot"', 'price', '{"price":"a lot"}'],
    ['"x":1,"int":[],"y":2', 'int', '{"x":1,"int":[],"y":2}'],
    ['"b":{"x":1,"d":"no","a":{"flag":null}},"y":2', 'other_leaf', '{"b":{"x":1,"d":"no"},"y":2}'],
    ['"b":{"d":"no","a":{"x":1}}', 'other_leaf', '{"b":{"d":"no","a":{"x":1}}}'],
    ['"\\u0069nt":"x","int":"y"', 'int', '{"\\u0069nt":"x","int":"y"}'],
  ])('%s is kept in extra', (members, column, extra) => {
    const found = row(members);
    expect(found).toMatchObject({ [column]: null, extra, issues: bitOf(column) });
  });

  it('is all of a row together, each under its path', () => {
    const members = '"int":"a","x":0,"b":{"":{"":"b"},"a":{"flag":"c"},"d":"d"},"day":"e","flag":true';
    expect(row(members)).toMatchObject({
      extra: '{"int":"a","x":0,"b":{"":{"":"b"},"a":{"flag":"c"},"d":"d"},"day":"e"}',
      issues: ['int', 'day', 'inner_empty', 'inner_flag', 'other_leaf'].reduce((bits, name) => bits | bitOf(name), 0n),
      flag: true,
    });
  });

  it.each([
    ['"amount":"a lot"', { amount: null, amount_raw: 'a lot', issues: bitOf('amount') }],
    ['"amount":1.23456', { amount: 12346n, amount_raw: '1.23456', issues: bitOf('amount') }],
    ['"amount":1.23450', { amount: 12345n, amount_raw: '1.23450', issues: 0n }],
    ['"int":null,"flag":null,"time":null,"price":null', { int: null, issues: 0n }],
    ['"text":[1]', { text: '[1]', issues: bitOf('text') }],
    ['"json":[1]', { json: '[1]', issues: 0n }],
    ['"int":"x","int":7', { int: 7n, issues: 0n }],
  ])('%s is not in extra, for it is elsewhere, or nothing', (members, wanted) => {
    expect(row(members)).toMatchObject({ ...wanted, extra: null });
  });

  it.each([
    ['1.23456', 12346n],
    ['"$1,234.56789"', 12345679n],
    ['1e-9', 0n],
    ['{"$numberDecimal":"-0.00005"}', -1n],
    ['0.12340000000000000000000000000000000000000001', 1234n],
  ])('whole: the amount %s is rounded, and kept in extra as it came', (price, value) => {
    expect(row(`"price":${price}`)).toMatchObject({
      price: value,
      extra: `{"price":${price}}`,
      issues: bitOf('price'),
    });
  });

  it('is kept in any rows of a block, among rows that have other extras or none', () => {
    const kinds = [
      withMembers('"int":1'),
      withMembers('"int":"x"'),
      withMembers('"x":1'),
      withMembers('"x":1,"int":"x"'),
    ];
    for (const count of [1, 2, 63, 64, 65, 130]) {
      for (const at of [0, 1, 7, 8, 62, 63, 64, 129].filter((index) => index < count)) {
        for (const [others, odd] of [
          [0, 1],
          [1, 0],
          [2, 1],
          [2, 3],
          [3, 2],
          [0, 3],
        ]) {
          rows(...Array.from({ length: count }, (_, index) => kinds[index === at ? odd : others]));
        }
      }
    }
  });

  it('fits if nothing else does', () => {
    const long = 'x'.repeat(100);
    const messages = messagesOf(
      Array.from({ length: 130 }, (_, index) => {
        const members = [`"int":"${long}"`, `"x":"${long}"`, `"x":"${long}","int":"${long}","y":"${index}"`];
        return withMembers(members[index % 3]);
      }),
    );
    for (const few of [messages, messages.slice(0, 1), messages.slice(2, 66)]) {
      expectAsReference(tightKernels(KINDS_SPEC, few), KINDS_SPEC, few);
    }
  });
});

describe('an id', () => {
  it.each([
    ['42', '42', false],
    ['-7', '-7', false],
    ['12345678901234567890123', '12345678901234567890123', false],
    ['{"$numberLong":"42"}', '42', false],
    ['{ "$numberInt" : "\\u0034\\u0032" }', '42', false],
    ['{"$oid":"64F1c0a2e4b0c3d2a1b0c9d8"}', '64F1c0a2e4b0c3d2a1b0c9d8', false],
    ['{"$oid":"64F1c0a2e4b0c3d2a1b0c9dg"}', '{"$oid":"64F1c0a2e4b0c3d2a1b0c9dg"}', true],
    ['{"$numberLong":42}', '{"$numberLong":42}', true],
    ['{"$numberDouble":"42"}', '{"$numberDouble":"42"}', true],
    ['42.0', '42.0', true],
    ['1e3', '1e3', true],
    ['true', 'true', true],
    ['["a"]', '["a"]', true],
  ])('%s is %s', (json, text, isIssue) => {
    const [byId, byKey] = rows(`{"id":${json},"key":"k"}`, `{"id":"i","key":${json}}`);
    expect(byId).toMatchObject({ id: text, issues: isIssue ? bitOf('id') : 0n, extra: null });
    expect(byKey).toMatchObject({ key: text, issues: isIssue ? bitOf('key') : 0n, extra: null });
  });

  it.each([
    ['{"$oid":"82677501c00000002a2b0229"}', 0x677501c00000002an],
    ['{"$oid":"\\u00382677501c00000002a2b0229"}', 0x677501c00000002an],
    ['8212345678901234567890', 0x1234567890123456n],
    ['42', 0n],
  ])('%s has the change_seq of its text', (json, seq) => {
    expect(rows(`{"id":${json},"key":"k"}`)[0].change_seq).toBe(seq);
  });
});

describe('text', () => {
  it.each([
    ['{"$oid":"64f1c0a2e4b0c3d2a1b0c9d8"}', '64f1c0a2e4b0c3d2a1b0c9d8', 0n],
    ['{"$oid":"0","$oid":"64f1c0a2e4b0c3d2a1b0c9d8"}', '64f1c0a2e4b0c3d2a1b0c9d8', 0n],
    ['{"$oid":"64f1c0a2e4b0c3d2a1b0c9d8","x":1}', '{"$oid":"64f1c0a2e4b0c3d2a1b0c9d8","x":1}', bitOf('text')],
    ['{"$oid":"64f1"}', '{"$oid":"64f1"}', bitOf('text')],
    ['{"$numberLong":"42"}', '{"$numberLong":"42"}', bitOf('text')],
    ['42', '42', bitOf('text')],
  ])('%s is %s', (json, text, issues) => {
    expect(row(`"text":${json}`)).toMatchObject({ text, issues });
  });
});

describe('units of time', () => {
  it.each([
    ['seconds', '1735689600', 1_735_689_600_000_000n],
    ['seconds', '-1', -1_000_000n],
    ['seconds', '8640000000000', 8_640_000_000_000_000_000n],
    ['seconds', '8640000000001', null],
    ['micros', '1735689600123456', 1_735_689_600_123_456n],
    ['micros', '-8640000000000000000', -8_640_000_000_000_000_000n],
    ['micros', '8640000000000000001', null],
    ['nanos', '1735689600123456789', 1_735_689_600_123_456n],
    ['nanos', '-1', -1n],
    ['nanos', '9223372036854775807', 9_223_372_036_854_775n],
    ['nanos', '9223372036854775808', null],
    ['seconds', '{"$date":1735689600123}', 1_735_689_600_123_000n],
    ['nanos', '{"$date":{"$numberLong":"1735689600123"}}', 1_735_689_600_123_000n],
    ['seconds', '"2025-01-01"', 1_735_689_600_000_000n],
  ])('%s of %s', (column, json, micros) => {
    const extra = micros === null ? `{"${column}":${json}}` : null;
    expect(row(`"${column}":${json}`)).toMatchObject({ [column]: micros, extra });
  });

  it('are those of dates as well', () => {
    expect(row('"b":{"day":1735689599}')).toMatchObject({ day_of_seconds: 20_088 });
    expect(row('"b":{"day":-1}')).toMatchObject({ day_of_seconds: -1 });
  });
});

describe('issue bits', () => {
  const names = ['id', 'key', 'flag'];
  const spec = parseSpec(
    JSON.stringify({
      table: 't',
      view: 'v',
      columns: [
        { name: 'id', kind: 'text', required: true, role: 'change_id' },
        { name: 'key', kind: 'text', required: true, role: 'key' },
        { name: 'flag', kind: 'bool' },
      ],
    }),
    'of the test',
  );
  const read = (kernel: Kernel, value: string) => kernelResults(kernel, spec, messagesOf([value]))[0].row!;

  it('are those that the host gives, in memory of its own as well', () => {
    for (const kernel of kernelsOf(spec)) {
      for (const bits of [
        [0, 1, 2],
        [5, 63, 7],
        [63, 0, 40],
      ]) {
        kernel.useIssueBits(bits);
        for (const [index, name] of names.entries()) {
          for (const text of ['"x"', `["${'x'.repeat(2 << 20)}"]`]) {
            const members = names.map((other) => `"${other}":${other === name ? text : other === 'flag' ? 'true' : 1}`);
            const issues = text === '"x"' && name !== 'flag' ? 0n : BigInt.asIntN(64, 1n << BigInt(bits[index]));
            expect(read(kernel, `{${members.join(',')}}`)).toMatchObject({ issues });
          }
        }
      }
    }
  });

  it.each([[[0, 1]], [[0, 1, 64]], [[0, 1, -1]], [[0, 1, 0.5]]])('cannot be %j', (bits) => {
    expect(() => kernelsOf(spec)[0].useIssueBits(bits)).toThrow(/issue bit/);
  });
});
