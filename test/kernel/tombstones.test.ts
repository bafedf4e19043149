/** A null inside of a message that is as good as no value. */
import { expect, it } from 'vitest';
import { specJson } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';

const written = (tombstone: unknown, more: object = {}) =>
  JSON.stringify({
    table: 't',
    view: 'v',
    deletes: { operations: ['delete'], tombstone },
    ignore: ['schema'],
    columns: [
      { name: 'key', paths: ['p.id', { key: 'id' }], kind: 'text', required: true, role: 'key' },
      { name: 'operation', paths: ['p.op', 'op'], kind: 'text', role: 'operation', operations: { c: 'insert' } },
      { name: 'a', path: 'p.a', kind: 'int64' },
    ],
    ...more,
  });
const SPEC = parseSpec(written('p'), 'of the test');
const DELETED = { key: 'k', operation: 'delete', a: null, extra: null, issues: 0n };

it.each([
  ['{"p":null}', DELETED],
  [' { "schema" : {"p":1} , "p" : null } ', DELETED],
  ['{"op":"c","p":null}', DELETED],
  ['{"op":"?","p":null,"more":[1]}', { ...DELETED, extra: '{"more":[1]}' }],
  ['{"p":{"id":"x","op":"c","a":1},"p":null}', DELETED],
  ['{"p":null,"p":{"id":"x","op":"c","a":1}}', { ...DELETED, key: 'x', operation: 'insert', a: 1n }],
  ['{"p":null,"p":0}', { ...DELETED, operation: null, extra: '{"p":0}' }],
  ['{"p":"null"}', { ...DELETED, operation: null, extra: '{"p":"null"}' }],
  ['{"p":{"p":null,"op":"c"}}', { ...DELETED, operation: 'insert', extra: '{"p":{"p":null}}' }],
  ['{"schema":null}', { ...DELETED, operation: null }],
])('%s', (value, row) => {
  // Rows around it that are learned.
  const values = [...Array(70).fill('{"schema":{},"p":{"id":"x","op":"c","a":1}}'), value, value, '{"p":nul}', null];
  const keys = values.map(() => '{"id":"k"}');
  const messages = messagesOf(values, 3, keys);
  const kernels = kernelsOf(SPEC);
  expectAsReference(kernels, SPEC, messages);
  const found = kernelResults(kernels[0], SPEC, messages).slice(-4);
  expect(found[0].row).toMatchObject(row);
  expect(found[1].row).toMatchObject(row);
  expect(found[2].status).toBe('malformed');
  expect(found[3].row).toMatchObject(DELETED);
});

it.each([
  ['{"a":{"p":null},"a":{"x":1}}', { operation: null, extra: '{"a":{"x":1}}' }],
  ['{"a":{"p":null},"a":1}', { operation: null, extra: '{"a":1}' }],
  ['{"a":{"p":null},"a":{"p":{"op":"c"}}}', { operation: 'insert' }],
  ['{"a":{"p":{"op":"c"}},"a":{"p":null}}', DELETED],
  ['{"a":{"p":null},"b":{"x":1},"b":{"x":2}}', { ...DELETED, extra: '{"b":{"x":2}}' }],
  ['{"a":{"p":null,"b":{"x":1},"b":{"x":2}}}', { operation: 'delete', extra: '{"a":{"b":{"x":2}}}' }],
])('may be in another object, which a repeated key replaces: %s', (value, row) => {
  const paths = (name: string) => [`a.p.${name}`];
  const columns = [
    { name: 'key', paths: [{ key: 'id' }], kind: 'text', required: true, role: 'key' },
    { name: 'operation', paths: paths('op'), kind: 'text', role: 'operation', operations: { c: 'insert' } },
    { name: 'a', paths: paths('a'), kind: 'int64' },
    { name: 'other', paths: ['b.y', 'a.b.y'], kind: 'int64' },
  ];
  const spec = parseSpec(written('a.p', { columns }), 'of the test');
  const values = [...Array(70).fill('{"a":{"p":{"op":"c","a":1}}}'), value, value];
  const messages = messagesOf(
    values,
    3,
    values.map(() => '{"id":"k"}'),
  );
  const kernels = kernelsOf(spec);
  expectAsReference(kernels, spec, messages);
  expect(kernelResults(kernels[0], spec, messages).at(-1)?.row).toMatchObject(row);
});

it('is in the spec as a path to an object of the value', () => {
  expect(parseSpec(specJson(SPEC), 'stored')).toEqual(SPEC);
  expect(JSON.parse(specJson(SPEC)).deletes).toEqual({ operations: ['delete'], tombstone: ['p'] });
  for (const tombstone of ['q', 'p.a', { key: 'id' }]) {
    expect(() => parseSpec(written(tombstone), 's')).toThrow(/deletes: tombstone .* must be an object of the value/);
  }
  expect(() => parseSpec(written('p', { embedded: ['p'] }), 's')).toThrow(/must be an object of the value/);
});
