/** What a spec says of a topic's values beyond their kind: words of operations, integers in base64, days. */
import { describe, expect, it } from 'vitest';
import type { SpecColumn, TableSpec } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { tightKernels } from '../support/guarded-kernel.js';
import { expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import type { ReferenceValue } from '../support/reference.js';

const SPEC = parseSpec(
  JSON.stringify({
    table: 't',
    view: 'v',
    columns: [
      { name: 'key', kind: 'text', required: true, role: 'key' },
      {
        name: 'operation',
        path: 'op',
        kind: 'text',
        required: true,
        role: 'operation',
        operations: { c: 'insert', r: 'snapshot', '': 'delete', true: 'vanished', 7: 'replace', 'é"\n': 'update' },
      },
      { name: 'price', kind: 'amount', encoding: 'base64', scale: 2 },
      { name: 'fine', kind: 'amount', raw: 'fine_raw', encoding: 'base64', scale: 6 },
      { name: 'finest', kind: 'amount', encoding: 'base64', scale: 38 },
      { name: 'due', kind: 'date', unit: 'd' },
      { name: 'due_time', kind: 'timestamp', unit: 'd' },
    ],
  }),
  'of the test',
);
const kernels = kernelsOf(SPEC);

function rows(...members: string[]): Record<string, ReferenceValue>[] {
  const messages = messagesOf(members.map((member) => `{"key":"k",${member}}`));
  expectAsReference(kernels, SPEC, messages);
  return kernelResults(kernels[0], SPEC, messages).map(({ row }) => row!);
}

describe('operations', () => {
  it.each([
    ['"c"', 'insert'],
    ['"\\u0063"', 'insert'],
    ['""', 'delete'],
    ['true', 'vanished'],
    ['7', 'replace'],
    ['"7"', 'replace'],
    ['"\\u00e9\\"\\n"', 'update'],
  ])('%s is the word for %s', (word, operation) => {
    expect(rows(`"op":${word}`)[0]).toMatchObject({ operation, extra: null, issues: 0n });
  });

  it.each(['"u"', '"cc"', '"insert"', '"C"', '7.0', 'false', '{"c":1}', '["c"]'])(
    '%s is no word: it is kept in extra, and guessed at not at all',
    (word) => {
      expect(rows(`"op":${word}`)[0]).toMatchObject({ operation: null, extra: `{"op":${word}}`, issues: 2n });
    },
  );

  it('fit where the words of the topic are shorter', () => {
    const messages = messagesOf(Array.from({ length: 70 }, () => '{"key":1,"op":""}'));
    expectAsReference(tightKernels(SPEC, messages), SPEC, messages);
  });

  it('can be missing if they are not required, and are what they are without a map', () => {
    const [key, column] = SPEC.columns;
    const spec = (operations: SpecColumn['operations']): TableSpec => {
      return { ...SPEC, columns: [key, { ...column, required: false, operations }] };
    };
    const messages = messagesOf(['{"key":"k"}', '{"key":"k","op":null}', '{"key":"k","op":"u"}']);
    for (const [operations, last] of [[column.operations, null] as const, [undefined, 'u'] as const]) {
      const variants = kernelsOf(spec(operations));
      expectAsReference(variants, spec(operations), messages);
      const found = kernelResults(variants[0], spec(operations), messages).map(({ row }) => row!.operation);
      expect(found).toEqual([null, null, last]);
    }
  });
});

describe('an integer in base64', () => {
  it.each([
    ['price', '"AA=="', 0n],
    ['price', '"MDk="', 1_234_500n],
    ['price', '"z8c="', -1_234_500n],
    ['price', '"\\u002f\\/8="', -100n],
    ['price', '"AAAAAAAAAAAAAAAAAAAAAQ=="', 100n],
    ['price', '"/////////////////////w=="', -100n],
    ['price', '"I4byb8D//w=="', 999_999_999_999_999_900n],
    ['fine', '"Dzbb"', 9_971n],
    ['finest', '"SztMqFqGxHoJiiJAAAAAAA=="', 10_000n],
    ['finest', '"fwAAAAAAAAAAAAAAAAAAAA=="', 16_881n],
  ])('%s %s', (column, text, scaled) => {
    expect(rows(`"op":"c","${column}":${text}`)[0][column]).toBe(scaled);
  });

  it.each(['"I4byb8EAAA=="', '"="', '""', '"AA"', '"AB=="', '"A A="', '"AA==AA=="', '"A==="', '"-_8="', '"12.50"'])(
    '%s is none, or too large',
    (text) => {
      expect(rows(`"op":"c","price":${text}`)[0]).toMatchObject({
        price: null,
        extra: `{"price":${text}}`,
        issues: 4n,
      });
    },
  );

  it('is in base64 only where it is a text', () => {
    expect(rows('"op":"c","price":12.5,"finest":{"$numberDecimal":"3"}')[0]).toMatchObject({
      price: 125_000n,
      finest: 30_000n,
      issues: 0n,
    });
  });

  it('of more than four decimals is rounded, and kept as it came', () => {
    expect(rows('"op":"c","fine":"Dzbb"')[0]).toMatchObject({
      fine: 9_971n,
      fine_raw: 'Dzbb',
      extra: null,
      issues: 8n,
    });
    expect(rows('"op":"c","fine":"D0JA"')[0]).toMatchObject({ fine: 10_000n, issues: 0n });
  });
});

describe('days since the epoch', () => {
  it.each([
    ['0', 0, 0n],
    ['20090', 20_090, 1_735_776_000_000_000n],
    ['-1', -1, -86_400_000_000n],
    ['100000000', 100_000_000, 8_640_000_000_000_000_000n],
    ['100000001', null, null],
    ['-100000001', null, null],
    ['"2025-01-02"', 20_090, 1_735_776_000_000_000n],
  ])('%s', (day, due, time) => {
    expect(rows(`"op":"c","due":${day},"due_time":${day}`)[0]).toMatchObject({ due, due_time: time });
  });
});
