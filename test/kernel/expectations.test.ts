/** Expectations of rows: counted, or rejected so that the other rows close the gaps. */
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../src/schema/spec-file.js';
import { withExpectations } from '../support/any-expectations.js';
import { tightKernels } from '../support/guarded-kernel.js';
import { chunksOf, expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';
import { Random } from '../support/random.js';
import { ALL_SHAPES, filled } from '../support/shapes.js';

const COLUMNS = [
  { name: 'id', kind: 'text', required: true, role: 'key' },
  { name: 'text', kind: 'text' },
  { name: 'doc', kind: 'json' },
  { name: 'amount', kind: 'amount', role: 'amount' },
  { name: 'int', kind: 'int64' },
  { name: 'time', kind: 'timestamp', role: 'event_time' },
  { name: 'day', kind: 'date' },
  { name: 'flag', kind: 'bool' },
];

function specOf(...expectations: object[]) {
  return parseSpec(JSON.stringify({ table: 't', view: 'v', columns: COLUMNS, expectations }), 'of the test');
}

/** The offsets, from 0 on, of messages with these members that fail: all kernels and the reference agree. */
function failing(expectation: object, members: readonly string[]): number[] {
  const messages = messagesOf(members.map((member) => `{"id":"k"${member === '' ? '' : `,${member}`}}`));
  const warns = specOf({ name: 'e', ...expectation });
  expectAsReference(kernelsOf(warns), warns, messages);
  const rejects = specOf({ name: 'e', action: 'quarantine', ...expectation });
  const kernels = kernelsOf(rejects);
  expectAsReference(kernels, rejects, messages);
  const results = kernelResults(kernels[0], rejects, messages);
  const failed = results.flatMap(({ status }, index) => (status === 'expectation' ? [index] : []));
  // What warns counts as many as what quarantines.
  for (const kernel of kernelsOf(warns)) {
    const { failedExpectations } = kernel.read(
      3,
      chunksOf(messages).map((chunk) => chunk.handle()),
    );
    const counted = { name: 'e', action: 'warn', failed: failed.length, firstOffset: 1000 + failed[0] };
    expect(failedExpectations).toEqual(failed.length === 0 ? [] : [counted]);
  }
  return failed;
}

describe('a row fails', () => {
  it('not_null without a value that the column can take', () => {
    const members = ['"text":"a"', '"text":null', '', '"text":[1]', '"text":""'];
    expect(failing({ column: 'text', not_null: true }, members)).toEqual([1, 2]);
    const amounts = ['"amount":1', '"amount":"no number"', '"amount":null'];
    expect(failing({ column: 'amount', not_null: true }, amounts)).toEqual([1, 2]);
    expect(failing({ column: 'id', not_null: true }, ['', ''])).toEqual([]);
  });

  it('a range outside of its bounds, which belong to it; null does not', () => {
    const amounts = ['"amount":"0.9999"', '"amount":1', '"amount":"$2.50"', '"amount":2.5001', '"amount":-3', ''];
    const range = { min: '1', max: '2.5' };
    expect(failing({ column: 'amount', range }, amounts)).toEqual([0, 3, 4]);
    const integers = ['"int":-9223372036854775808', '"int":-1', '"int":0', '"int":9223372036854775807', '"int":null'];
    expect(failing({ column: 'int', range: { min: '0' } }, integers)).toEqual([0, 1]);
    expect(failing({ column: 'int', range: { max: '-1' } }, integers)).toEqual([2, 3]);
    expect(failing({ column: 'int', range: { min: '-9223372036854775808' } }, integers)).toEqual([]);
    const times = ['"time":"2024-12-31T23:59:59.999999Z"', '"time":"2025-01-01"', '"time":1767225600001'];
    const year = { min: '2025-01-01', max: '2026-01-01T00:00:00Z' };
    expect(failing({ column: 'time', range: year }, times)).toEqual([0, 2]);
    const days = ['"day":"1969-12-31"', '"day":"2025-01-01"', '"day":"2025-01-02"'];
    expect(failing({ column: 'day', range: { min: '1970-01-01', max: '2025-01-01' } }, days)).toEqual([0, 2]);
  });

  it('a length of characters, not of bytes', () => {
    const texts = ['', 'a', 'é', '🎉🎉', 'éé🎉', 'abcd', '\\u00e9\\ud83c\\udf89'].map((text) => `"text":"${text}"`);
    expect(failing({ column: 'text', length: { min: 1, max: 2 } }, texts)).toEqual([0, 4, 5]);
    expect(failing({ column: 'text', length: { max: 3 } }, [...texts, '"text":null'])).toEqual([5]);
    expect(failing({ column: 'text', length: { min: 2 } }, texts)).toEqual([0, 1, 2]);
    expect(failing({ column: 'doc', length: { max: 5 } }, ['"doc":[1,2]', '"doc":"12345"'])).toEqual([1]);
  });

  it('values and a pattern with any other text', () => {
    const texts = ['paid', 'pai', 'paidx', '', 'é', 'p\\u0061id'].map((text) => `"text":"${text}"`);
    expect(failing({ column: 'text', values: ['paid', 'é'] }, [...texts, ''])).toEqual([1, 2, 3]);
    expect(failing({ column: 'text', pattern: '[a-dp]+i?d|é' }, texts)).toEqual([1, 2, 3]);
    expect(failing({ column: 'text', pattern: '.{0,4}' }, texts)).toEqual([2]);
  });
});

describe('a message that fails several', () => {
  it('goes to the quarantine for the first one, and counts for no other', () => {
    const spec = specOf(
      { name: 'seen', column: 'int', range: { min: '5' } },
      { name: 'first', action: 'quarantine', column: 'text', not_null: true },
      { name: 'second', action: 'quarantine', column: 'int', range: { min: '3' } },
    );
    const messages = messagesOf([
      '{"id":"k","int":1}',
      '{"id":"k","int":1,"text":"a"}',
      '{"id":"k","int":4,"text":"a"}',
    ]);
    for (const kernel of kernelsOf(spec)) {
      const { failedExpectations, rejects, counts } = kernel.read(
        3,
        chunksOf(messages).map((chunk) => chunk.handle()),
      );
      expect(rejects.map(({ expectation, column }) => [expectation, column])).toEqual([
        ['first', 'text'],
        ['second', 'int'],
      ]);
      expect(counts).toMatchObject({ ok: 1, expectation: 2 });
      expect(failedExpectations).toEqual([
        { name: 'seen', action: 'warn', failed: 1, firstOffset: 1002 },
        { name: 'first', action: 'quarantine', failed: 1, firstOffset: 1000 },
        { name: 'second', action: 'quarantine', failed: 1, firstOffset: 1001 },
      ]);
    }
  });
});

describe.each([1, 2, 63, 64, 65, 129, 500])('%i rows', (count) => {
  const random = new Random(count);
  const spec = parseSpec(
    JSON.stringify({
      ...JSON.parse(JSON.stringify({ table: 't', view: 'v', columns: COLUMNS })),
      expectations: [
        { name: 'high', action: 'quarantine', column: 'int', range: { max: '5' } },
        { name: 'text', action: 'quarantine', column: 'text', values: ['a', 'b'] },
        { name: 'amount', column: 'amount', not_null: true },
      ],
    }),
    'of the test',
  );
  const row = () => {
    const extra = random.pick(['', ',"more":1', ',"more":{"a":"é"}', ',"amount":"odd"', ',"int":"odd"']);
    const value = {
      id: `k${random.below(9)}`,
      text: random.pick(['a', 'b', 'c']),
      int: random.below(7),
      flag: random.below(2) > 0,
    };
    return `${JSON.stringify(value).slice(0, -1)}${extra}}`;
  };

  it('of which any are out of range, with extras and values that their columns cannot take', () => {
    for (const share of [0, 0.02, 0.5, 1]) {
      const values = Array.from({ length: count }, () =>
        random.next() < share ? random.pick([row(), '{"id":"k","int":9}', '[]']) : '{"id":"k","int":1,"more":true}',
      );
      const messages = messagesOf(values);
      expectAsReference(tightKernels(spec, messages), spec, messages);
      expectAsReference(kernelsOf(spec), spec, messages);
    }
  });
});

describe('any expectations', () => {
  it('of any kind say what the reference says', () => {
    const random = new Random(7);
    for (let round = 0; round < 25; round++) {
      const spec = withExpectations(KINDS_SPEC, random);
      const values = Array.from({ length: 150 }, () => filled(random.pick(ALL_SHAPES), random));
      expectAsReference(kernelsOf(spec), spec, messagesOf(values));
    }
  });
});
