/** Masks in the kernel: what is in a row of what nobody is to read. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../src/schema/spec-file.js';
import { anySpec, keyText, messageText } from '../support/any-spec.js';
import { failureOf } from '../support/failure.js';
import { tightKernels } from '../support/guarded-kernel.js';
import { expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import { withMasks } from '../support/masked-spec.js';
import { mutated } from '../support/mutate.js';
import { Random } from '../support/random.js';
import type { ReferenceValue } from '../support/reference.js';
import { referenceHmac, TEST_KEY } from '../support/reference-masks.js';

const SPEC = parseSpec(
  JSON.stringify({
    table: 't',
    view: 'v',
    columns: [
      { name: 'id', kind: 'text', required: true, role: 'key', mask: 'hmac' },
      { name: 'email', kind: 'text', mask: 'hmac' },
      { name: 'note', kind: 'text', mask: 'redact' },
      { name: 'card', path: 'pay.card', kind: 'text', mask: { partial: { keep: 4 } } },
      { name: 'gone', kind: 'int64', mask: 'drop' },
      { name: 'amount', kind: 'amount', raw: 'amount_raw', role: 'amount', mask: { truncate: { to: 100 } } },
      { name: 'price', kind: 'amount', mask: { truncate: { to: 10 } } },
      { name: 'born', kind: 'date', mask: { truncate: { to: 'year' } } },
      { name: 'at', kind: 'timestamp', mask: { truncate: { to: 'hour' } } },
      { name: 'items', kind: 'json' },
      { name: 'secret', kind: 'json', mask: 'redact' },
    ],
    masks: [
      { path: 'items.owner.email', mask: 'hmac' },
      { path: 'items.phone', mask: { partial: { keep: 2 } } },
      { path: 'contact.phone', mask: 'redact' },
      { path: 'tags', mask: 'drop' },
    ],
  }),
  'of the test',
);
const kernels = kernelsOf(SPEC);

function row(members: string): Record<string, ReferenceValue> {
  const messages = messagesOf([`{"id":"i",${members}}`]);
  expectAsReference(kernels, SPEC, messages);
  return kernelResults(kernels[0], SPEC, messages)[0].row!;
}

describe('a masked column', () => {
  it.each([
    ['"email":"a@example.com"', { email: referenceHmac('a@example.com'), id: referenceHmac('i') }],
    ['"email":"\\u0061@example.com"', { email: referenceHmac('a@example.com') }],
    ['"email":""', { email: referenceHmac('') }],
    ['"email":12.50', { email: referenceHmac('12.50') }],
    ['"email":{"$oid":"64f1c0a2e4b0c3d2a1b0c9d8"}', { email: referenceHmac('64f1c0a2e4b0c3d2a1b0c9d8') }],
    ['"email":{ "a": 1 }', { email: referenceHmac('{ "a": 1 }') }],
    ['"email":null', { email: null }],
    ['"note":"n"', { note: '***' }],
    ['"note":[1]', { note: '***' }],
    ['"pay":{"card":"4111 1111 1111 1234"}', { card: '***1234', extra: null }],
    ['"pay":{"card":"1234567"}', { card: '***' }],
    ['"pay":{"card":"😀é😀é\\ud83d\\ude00\\u00e9😀é"}', { card: '***😀é😀é' }],
    ['"pay":{"card":12345678}', { card: '***5678' }],
    ['"pay":{"card":{"no":12345678}}', { card: '***' }],
    ['"gone":5', { gone: null, issues: 0n, extra: null }],
    ['"gone":"none"', { gone: null, issues: 0n, extra: null }],
    ['"amount":1234.56', { amount: 12_000_000n, amount_raw: '***', is_high_value: true }],
    ['"amount":"-1,234.56 €"', { amount: -12_000_000n, amount_raw: '***' }],
    ['"amount":"a lot"', { amount: null, amount_raw: '***', extra: null }],
    ['"price":"a lot"', { price: null, extra: '{"price":"***"}' }],
    ['"price":19.99999', { price: 200_000n, extra: '{"price":"***"}' }],
    ['"born":"1987-06-05"', { born: 6209 }],
    ['"born":"soon"', { born: null, extra: '{"born":"***"}' }],
    ['"at":"2025-01-02T03:59:59.9Z"', { at: 1_735_786_800_000_000n }],
    ['"secret":{"a":1}', { secret: '"***"' }],
    ['"secret":null', { secret: null }],
  ])('%s', (members, wanted) => {
    expect(row(members)).toMatchObject(wanted);
  });

  it('has the HMAC of texts of any length, that came before or not', () => {
    const texts = Array.from({ length: 200 }, (_, length) => 'x'.repeat(length));
    const random = new Random(7);
    const values = [...texts, ...texts, ...Array.from({ length: 500 }, () => String(random.below(60)).repeat(3))];
    const messages = messagesOf(values.map((text) => JSON.stringify({ id: text, email: `${text}é` })));
    expectAsReference(kernels, SPEC, messages);
    const [first] = kernelResults(kernels[0], SPEC, messages.slice(199));
    const digest = createHmac('sha256', TEST_KEY).update('x'.repeat(199)).digest('hex');
    expect(first.row?.id).toBe(digest.slice(0, 32));
  });

  it('has the start of months and years, before the epoch and in leap years as well', () => {
    const spec = parseSpec(
      JSON.stringify({
        table: 't',
        view: 'v',
        columns: [
          { name: 'id', kind: 'text', required: true, role: 'key' },
          ...(['day', 'month', 'year'] as const).map((to) => ({
            name: to,
            path: ['t', to],
            kind: 'timestamp',
            mask: { truncate: { to } },
          })),
          ...(['month', 'year'] as const).map((to) => ({
            name: `date_${to}`,
            path: ['d', to],
            kind: 'date',
            mask: { truncate: { to } },
          })),
        ],
      }),
      'of the test',
    );
    const times: number[] = [];
    for (let time = Date.UTC(1894, 0, 1); time < Date.UTC(2106, 0, 1); time += 20 * 86_400_000 + 12_345_678)
      times.push(time);
    times.push(-8_630_000_000_000_000, 8_640_000_000_000_000, -1, 0);
    const values = times.map(
      (time) => `{"id":"a","t":{"day":${time},"month":${time},"year":${time}},"d":{"month":${time},"year":${time}}}`,
    );
    expectAsReference(kernelsOf(spec), spec, messagesOf(values));
  });
});

describe('a field with a mask', () => {
  const hmac = (text: string) => `"${referenceHmac(text)}"`;

  it.each([
    ['"contact":{"phone":"123","name":"n"}', { extra: '{"contact":{"phone":"***","name":"n"}}' }],
    ['"contact":[ {"phone":[1,2]}, {"x":1} ]', { extra: '{"contact":[ {"phone":"***"}, {"x":1} ]}' }],
    ['"contact":"call 123"', { extra: '{"contact":"***"}' }],
    ['"contact":123', { extra: '{"contact":"***"}' }],
    ['"contact":{"ph\\u006fne":"123"}', { extra: '{"contact":{"ph\\u006fne":"***"}}' }],
    ['"contact":{"phone":null}', { extra: '{"contact":{"phone":null}}' }],
    ['"tags":["a"],"x":1', { extra: '{"tags":null,"x":1}' }],
    ['"pay":[{"card":"12345678"}]', { extra: '{"pay":[{"card":"***5678"}]}' }],
    ['"pay":{"x":{"card":1}}', { extra: '{"pay":{"x":{"card":1}}}' }],
    [
      '"items":[{"owner":{"email":"e"}},{"owner":[{"email":"\\u0065"}]}]',
      { items: `[{"owner":{"email":${hmac('e')}}},{"owner":[{"email":${hmac('e')}}]}]` },
    ],
    ['"items":{"phone":"12\\n34\\\\"}', { items: '{"phone":"***4\\\\"}' }],
    ['"items":{"phone":1234, "phone" : "" }', { items: '{"phone":"***34", "phone" : "***" }' }],
    ['"items":"text"', { items: '"***"' }],
    ['"items":null', { items: null }],
  ])('%s', (members, wanted) => {
    expect(row(members)).toMatchObject(wanted);
  });
});

describe('a number that is a whole key, or a whole embedded text', () => {
  it.each([
    ['some of it is masked', { column: {}, masks: [{ path: { key: ['a'] }, mask: 'redact' }] }],
    ['all of it is masked', { column: { mask: 'redact' }, masks: [] }],
  ])('ends before the digits of the next one, if %s', (_, { column, masks }) => {
    const columns = [
      { name: 'id', kind: 'text', required: true, role: 'key' },
      { name: 'of_key', path: { key: [] }, kind: 'json', ...column },
    ];
    const spec = parseSpec(JSON.stringify({ table: 't', view: 'v', columns, masks }), 'of the test');
    const messages = messagesOf(Array(9).fill('{"id":"i"}'), 3, [
      '1',
      '2.5',
      '-3',
      '{"a":4}',
      '5',
      '6e7',
      '[8]',
      '9',
      '10',
    ]);
    expectAsReference(kernelsOf(spec), spec, messages);
  });
});

describe('the mask of any spec', () => {
  it('is that of the reference, of messages whole and damaged', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(anySpec, fc.integer(), (plain, seed) => {
        const random = new Random(seed);
        const spec = withMasks(plain, random);
        const values = Array.from({ length: 200 }, (_, index) => {
          const whole = Buffer.from(messageText(random));
          return index % 4 > 0 ? whole : mutated(whole, random);
        });
        const keys = values.map(() => keyText(random));
        expectAsReference(kernelsOf(spec), spec, messagesOf(values, 3, keys));
      }),
      { numRuns: 30 },
    );
  });

  it('needs no more room than there is, where each value becomes longer', () => {
    const values = Array.from({ length: 300 }, (_, index) => {
      const phones = (count: number) => `[${'{"phone":0},'.repeat(count)}0]`;
      return `{"id":"","contact":${phones(index)},"items":${phones(index % 7)},"price":"x"}`;
    });
    const messages = messagesOf(values);
    expectAsReference([...kernels, ...tightKernels(SPEC, messages)], SPEC, messages);
  });
});

describe('a key', () => {
  it('is needed for the mask hmac', () => {
    const { code, message } = failureOf(() => kernelsOf(SPEC, { maskKey: undefined }));
    expect(code).toBe('SLUICE_CONFIG');
    expect(message).toContain('MASK_KEY_FILE');
  });
});
