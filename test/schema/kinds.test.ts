import { expect, it } from 'vitest';
import { tableColumns } from '../../src/schema/spec.js';
import { specChanges } from '../../src/schema/spec-changes.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { duckdbType } from '../../src/sinks/duckdb/columns.js';

const KEY = { name: 'id', kind: 'text', required: true, role: 'key' };
const specOf = (column: object) =>
  parseSpec(JSON.stringify({ table: 't', view: 'v', columns: [KEY, { name: 'c', ...column }] }), 'of the test');
const WIDE = { kind: 'decimal', precision: 38, scale: 10 };

it.each([
  [WIDE, { ...WIDE, precision: 20 }, 'column c is DECIMAL(38,10), the spec makes it DECIMAL(20,10)'],
  [WIDE, { ...WIDE, scale: 2 }, 'column c is DECIMAL(38,10), the spec makes it DECIMAL(38,2)'],
  [WIDE, { kind: 'double' }, 'column c is decimal, the spec makes it double'],
  [{ kind: 'text' }, { kind: 'uuid' }, 'column c is text, the spec makes it uuid'],
])('%j does not become %j', (before, after, why) => {
  const spec = specOf(before);
  const types = new Map(tableColumns(spec).map((column) => [column.name, duckdbType(column)]));
  const { refused } = specChanges({ spec, types, withBits: new Set(types.keys()) }, specOf(after), duckdbType);
  expect(refused).toEqual([`${why}: give the new kind a new name`]);
});

it('takes another encoding of a decimal', () => {
  const spec = specOf(WIDE);
  const types = new Map(tableColumns(spec).map((column) => [column.name, duckdbType(column)]));
  const known = { spec, types, withBits: new Set(types.keys()) };
  const { refused, changed } = specChanges(known, specOf({ ...WIDE, encoding: 'base64' }), duckdbType);
  expect(refused).toEqual([]);
  expect(changed).toEqual([expect.stringContaining('"encoding":"base64"')]);
});

it.each([
  [{ kind: 'decimal' }, /column c: kind decimal needs a precision, of 1 to 38/],
  [{ kind: 'decimal', precision: 5, scale: 6 }, /column c: scale 6 is more than all the 5 digits of its precision/],
  [{ kind: 'decimal', precision: 39 }, /precision: /],
  [{ kind: 'amount', precision: 9 }, /column c: precision is for kind decimal only/],
  [{ kind: 'decimal', precision: 9, raw: 'r' }, /column c: raw is for kind amount only/],
  [{ kind: 'double', mask: 'redact' }, /kind double can have the masks drop/],
  [{ kind: 'uuid', required: true, mask: 'hmac' }, /kind uuid can have the masks drop/],
  [{ kind: 'binary', role: 'event_time' }, /column c: role event_time needs kind timestamp, not binary/],
])('no column is %j', (column, why) => {
  expect(() => specOf(column)).toThrow(why);
});
