/** JSON in strings, fields of the key, alternatives and what is ignored: each rule with its result written down. */
import { describe, expect, it } from 'vitest';
import type { TableSpec } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { CDC_SPEC, cdcMessages } from '../support/cdc-messages.js';
import { tightKernels } from '../support/guarded-kernel.js';
import { chunksOf, expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import { mutated } from '../support/mutate.js';
import { Random } from '../support/random.js';
import type { ReferenceResult } from '../support/reference.js';

const SPEC = {
  table: 't',
  view: 'v',
  columns: [
    { name: 'id', path: 'id', kind: 'text', required: true, role: 'change_id' },
    { name: 'key', paths: ['doc._id', 'old._id', { key: 'id._id' }], kind: 'text', required: true, role: 'key' },
    { name: 'n', paths: ['doc.n', 'old.n', 'n'], kind: 'int64' },
    { name: 'json', path: 'doc.a.json', kind: 'json' },
    { name: 'inner', path: 'doc.more.inner', kind: 'text' },
    { name: 'source_time', path: 'source.ms', kind: 'timestamp' },
  ],
  embedded: ['doc', 'old', 'doc.more', { key: 'id' }],
  ignore: ['source', 'doc.secret', 'schema', { key: 'schema' }],
};

const specOf = (more: object = {}) => parseSpec(JSON.stringify({ ...SPEC, ...more }), 'of the test');
const spec = specOf();
const withColumn = specOf({ columns: [...SPEC.columns, { name: 'of_value', path: 'message_key', kind: 'text' }] });
type Message = readonly [value: string | null, key?: string | null];

/** What each kernel makes of the messages, read once and often enough to be learned; the reference agrees. */
function results(of: TableSpec, ...messages: readonly Message[]): ReferenceResult[] {
  const often = Array.from({ length: 40 }, () => messages).flat();
  const kernels = kernelsOf(of);
  const all = messagesOf(
    often.map(([value]) => value),
    3,
    often.map(([, key]) => key ?? null),
  );
  expectAsReference(kernels, of, all);
  const [first, ...others] = kernels.map((kernel) => kernelResults(kernel, of, all.slice(-messages.length)));
  for (const other of others) expect(other).toEqual(first);
  return first;
}

const result = (value: string | null, key?: string | null, of = spec) => results(of, [value, key])[0];
const withDocument = (content: string) => `{"id":"i","doc":${JSON.stringify(content)}}`;

describe('embedded JSON', () => {
  it('is read as if it were in the place of its string', () => {
    const document =
      '{"_id":"k","a":{"json":[ 1,"x\\"y"],"z":"\\u00e9"},"n":7,"more":"{\\"inner\\":\\"deep\\",\\"w\\":[]}"}';
    const wanted = {
      key: 'k',
      n: 7n,
      json: '[ 1,"x\\"y"]',
      inner: 'deep',
      extra: '{"doc":{"a":{"z":"\\u00e9"},"more":{"w":[]}}}',
    };
    expect(result(withDocument(document)).row).toMatchObject(wanted);
    expect(result(withDocument(` ${document}\n`)).row).toMatchObject(wanted);
    expect(result(withDocument(document).replaceAll('\\"', '\\u0022')).row).toMatchObject(wanted);
    expect(result(`{"id":"i","doc":${document}}`).row).toMatchObject(wanted);
  });

  it.each([
    ['null', '{"doc":null}'],
    ['[1,"a"]', '{"doc":[1,"a"]}'],
    ['"{}"', '{"doc":"{}"}'],
  ])('of no object is kept: %s', (content, extra) => {
    expect(result(withDocument(content), '{"id":{"_id":"k"}}').row).toMatchObject({ key: 'k', n: null, extra });
  });

  it.each([
    ['{"_id":"k"', '{"id":"i","doc":"{\\"_id\\":\\"k\\"'.length],
    ['{"_id":"k"}x', '{"id":"i","doc":"{\\"_id\\":\\"k\\"}'.length],
    ['', '{"id":"i","doc":"'.length],
    ['{"_id":"k\u0001"}', '{"id":"i","doc":"{\\"_id\\":\\"k'.length],
    ['{"é":"😀",x}', Buffer.byteLength('{"id":"i","doc":"{\\"é\\":\\"😀\\",')],
    [
      '{"_id":"k","more":"{\\"a\\":01}"}',
      '{"id":"i","doc":"{\\"_id\\":\\"k\\",\\"more\\":\\"{\\\\\\"a\\\\\\":0'.length,
    ],
  ])('that is none is malformed at its byte of the message: %s', (content, position) => {
    expect(result(withDocument(content))).toEqual({ status: 'malformed', position });
  });

  it('is blamed where an escape begins that stands for several bytes', () => {
    expect(result('{"id":"i","doc":"{\\ud83d\\ude00"}')).toEqual({ status: 'malformed', position: 18 });
    expect(result('{"id":"i","doc":"{\\u0022\\ud83d\\ude00\\u0022:\\u0078"}')).toMatchObject({ position: 43 });
  });

  it('has no character of which one half is an escape of the message, and the other one of the text', () => {
    expect(result('{"id":"i","doc":"{\\"_id\\":\\"\\ud83d\\\\ude00\\"}"}').row).toMatchObject({ key: '\ufffd\ufffd' });
  });

  it('is checked in a value that a repeated key replaces', () => {
    expect(result('{"id":"i","doc":"{","doc":"{\\"_id\\":\\"k\\"}"}')).toMatchObject({ status: 'malformed' });
    const { row } = result('{"id":"i","doc":"{\\"n\\":1,\\"x\\":1}","doc":"{\\"_id\\":\\"k\\"}"}');
    expect(row).toMatchObject({ key: 'k', n: null, extra: null });
  });
});

describe('alternatives', () => {
  it('are taken in their order, though one be null, and later ones are dropped', () => {
    const [both, second, isNull, third] = results(
      spec,
      ['{"id":"i","old":{"_id":"b","n":2},"doc":{"_id":"a","n":1},"n":3}'],
      ['{"id":"i","n":3,"old":"{\\"_id\\":\\"b\\",\\"n\\":2,\\"x\\":1}"}'],
      ['{"id":"i","doc":{"_id":"a","n":null},"n":3}'],
      ['{"id":"i","n":3}', '{"id":"{\\"_id\\":\\"c\\"}"}'],
    );
    expect(both.row).toMatchObject({ key: 'a', n: 1n, extra: null });
    expect(second.row).toMatchObject({ key: 'b', n: 2n, extra: '{"old":{"x":1}}' });
    expect(isNull.row).toMatchObject({ key: 'a', n: null, extra: null });
    expect(third.row).toMatchObject({ key: 'c', n: 3n, extra: null });
  });

  it('that a column cannot take are kept where they were', () => {
    const [first, second] = results(
      spec,
      ['{"id":"i","doc":"{\\"_id\\":\\"a\\",\\"n\\":\\"x\\"}","n":"y"}'],
      ['{"id":"i","doc":{"_id":"a"},"n":"y"}'],
    );
    expect(first.row).toMatchObject({ n: null, extra: '{"doc":{"n":"x"}}', issues: 4n });
    expect(second.row).toMatchObject({ n: null, extra: '{"n":"y"}', issues: 4n });
  });
});

describe('what is ignored', () => {
  const schema = `{"fields":[${'{"a":"b"},'.repeat(80)}1]}`;

  it('is not kept, but for what a column inside of it cannot take', () => {
    const of = '"_id":"k","secret":{"x":[1]}';
    const [ok, odd] = results(
      spec,
      [`{"id":"i","schema":${schema},"source":{"ms":5,"x":1},"doc":{${of}}}`, '{"schema":1,"id":null}'],
      [`{"id":"i","source":{"ms":"soon","x":1},"schema":7,"doc":{${of}}}`],
    );
    expect(ok.row).toMatchObject({ source_time: 5000n, extra: '{"message_key":{"id":null}}' });
    expect(odd.row).toMatchObject({ source_time: null, extra: '{"source":{"ms":"soon"}}' });
  });

  it('is checked, whatever came before it', () => {
    const message = (text: string): Message => [`{"schema":${text},"id":"i","doc":{"_id":"k"}}`];
    const places = Array.from({ length: 24 }, (_, n) => n * 37);
    const damaged = places.map((at) => message(`${schema.slice(0, at)}\u0001${schema.slice(at + 1)}`));
    const all = damaged.flatMap((bad) => [message(schema), bad]);
    const statuses = results(spec, ...all).map(({ status }) => status);
    expect(statuses).toEqual(damaged.flatMap(() => ['ok', 'malformed']));
  });
});

describe('the key', () => {
  const ofWhole = (kind: string) =>
    parseSpec(
      JSON.stringify({
        table: 't',
        view: 'v',
        columns: [SPEC.columns[0], { name: 'key', path: { key: [] }, kind: 'text', required: true, role: 'key' }]
          .map((column, index) => (index === 1 && kind !== 'text' ? { ...column, path: 'k' } : column))
          .concat(kind === 'text' ? [] : [{ name: 'whole', path: { key: [] }, kind } as never]),
      }),
      'of the test',
    );

  it('is the text that it is in a column of kind text', () => {
    expect(result('{"id":"i"}', '{"a": "\\u0041é', ofWhole('text')).row).toMatchObject({ key: '{"a": "\\u0041é' });
    expect(result('{"id":"i"}', '', ofWhole('text')).row).toMatchObject({ key: '', extra: null });
    expect(result('{"id":"i"}', null, ofWhole('text'))).toMatchObject({ status: 'missing_required', column: 'key' });
  });

  it('is JSON in a column of another kind', () => {
    const message = '{"id":"i","k":"k"}';
    expect(result(message, ' {"a" :1} ', ofWhole('json')).row).toMatchObject({ whole: '{"a" :1}', extra: null });
    expect(result(message, '42', ofWhole('int64')).row).toMatchObject({ whole: 42n });
    expect(result(message, '"x"', ofWhole('int64')).row).toMatchObject({ whole: null, extra: '{"message_key":"x"}' });
    expect(result(message, null, ofWhole('int64')).row).toMatchObject({ whole: null });
    expect(result(message, 'k-1', ofWhole('json'))).toEqual({ status: 'malformed', position: -1 });
  });

  it('is no operation of mapped words as a whole', () => {
    const role = { kind: 'text', role: 'operation', operations: { c: 'insert', d: 'delete' } };
    const columns = [{ name: 'id', kind: 'text', required: true, role: 'key' }];
    const ofPath = (path: object) =>
      parseSpec(JSON.stringify({ table: 't', view: 'v', columns: [...columns, { name: 'op', path, ...role }] }), 's');
    expect(() => ofPath({ key: [] })).toThrow(/column op: operations cannot be of all of the key/);
    const ofField = ofPath({ key: 'op' });
    expect(result('{"id":"i"}', '{"op":"zz"}', ofField).row).toMatchObject({
      op: null,
      extra: '{"message_key":{"op":"zz"}}',
    });
    // Nor does the kernel write where it must not if it is asked to.
    const [id, op] = ofField.columns;
    const ofWholeKey = { ...ofField, columns: [id, { ...op, paths: [{ of: 'key', names: [] }] }] } as TableSpec;
    for (const kernel of kernelsOf(ofWholeKey)) {
      const { row } = kernelResults(kernel, ofWholeKey, messagesOf(['{"id":"i"}'], 3, ['42']))[0];
      expect(row).toMatchObject({ op: null, extra: '{"message_key":42}' });
    }
  });

  it('and a field of the value named as it is in extra are both there, the key first', () => {
    const message = '{"id":"i","doc":{"_id":"k"},"message_key":"mine"}';
    expect(result(message, '{"y":2}').row?.extra).toBe('{"message_key":{"y":2},"message_key":"mine"}');
    expect(result(message, '{"y":2}', withColumn).row).toMatchObject({
      extra: '{"message_key":{"y":2}}',
      of_value: 'mine',
    });
  });

  it('has what no column takes of it in extra', () => {
    const message = '{"id":"i","doc":{"_id":"k"}}';
    expect(result(message, '{"id":"{\\"x\\":1}","y":2}').row?.extra).toBe('{"message_key":{"id":{"x":1},"y":2}}');
    expect(result(message, '[1]').row?.extra).toBe('{"message_key":[1]}');
    for (const key of ['', '{', '{"id":"{"}', '{} x', '\u0001']) {
      expect(result(message, key)).toEqual({ status: 'malformed', position: -1 });
    }
  });

  it('makes the row of a message without a value, if the spec says so', () => {
    const rows = specOf({
      deletes: { flag: 'gone', tombstone: true },
      columns: [
        ...SPEC.columns.map((column, index) => (index === 0 ? { ...column, path: { key: 'c' } } : column)),
        { name: 'gone', kind: 'bool' },
      ],
    });
    expect(result(null, '{"c":"i","id":"{\\"_id\\":\\"k\\"}"}', rows).row).toMatchObject({
      id: 'i',
      key: 'k',
      n: null,
      gone: true,
    });
    expect(result(null, '{"c":"i"}', rows)).toMatchObject({ status: 'missing_required', column: 'key' });
    expect(result(null, null, rows)).toMatchObject({ status: 'missing_required', column: 'id' });
    expect(result(null, '{"c":"i"}')).toMatchObject({ status: 'tombstone' });
  });
});

describe('messages of connectors', () => {
  it('take the speculative path', () => {
    const [kernel] = kernelsOf(spec);
    const values = Array.from({ length: 1000 }, (_, n) =>
      withDocument(`{"_id":"k-${n}","a":{"x":"\\n${n}"},"n":${n}}`),
    );
    const keys = values.map((_, n) => `{"schema":{},"id":"{\\"_id\\":\\"k-${n}\\"}"}`);
    const messages = messagesOf(values, 3, keys);
    kernelResults(kernel, spec, messages);
    const { rowsLearned } = kernel.read(
      3,
      chunksOf(messages).map((chunk) => chunk.handle()),
    );
    expect(rowsLearned).toBeGreaterThan(990);
  });

  it('are read as the reference reads them, whole and damaged, in regions that are just large enough', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new Random(seed);
      const make = cdcMessages(random);
      const drafts = Array.from({ length: 150 }, () => make(random)).map(({ key, value }) =>
        value !== null && random.below(6) === 0 ? { key, value: mutated(Buffer.from(value), random) } : { key, value },
      );
      const messages = messagesOf(
        drafts.map(({ value }) => value),
        3,
        drafts.map(({ key }) => key),
      );
      expectAsReference(tightKernels(CDC_SPEC, messages), CDC_SPEC, messages);
    }
  });

  it('have a damaged byte anywhere in a learned row', () => {
    const good = '{"id":"i","doc":"{\\"_id\\":\\"k\\",\\"n\\":1,\\"x\\":\\"é\\\\\\"\\"}","n":2}';
    const key = '{"id":"{\\"_id\\":\\"k\\"}","y":1}';
    const bytes = Buffer.from(good);
    const damaged = [...'"\\{}x\u0001'].flatMap((byte) =>
      Array.from(bytes.keys(), (at) =>
        Buffer.concat([bytes.subarray(0, at), Buffer.from(byte), bytes.subarray(at + 1)]),
      ),
    );
    const cut = Array.from(bytes.keys(), (at) => bytes.subarray(0, at));
    const values = [
      ...Array.from({ length: 100 }, () => bytes),
      ...[...damaged, ...cut].flatMap((bad) => [bad, bytes]),
    ];
    const messages = messagesOf(
      values,
      3,
      values.map(() => key),
    );
    expectAsReference(kernelsOf(spec), spec, messages);
  });
});
