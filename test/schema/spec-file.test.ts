import { describe, expect, it } from 'vitest';
import { specHash, specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';

const KEYS = [
  { name: 'id', kind: 'text', required: true, role: 'change_id' },
  { name: 'key', kind: 'text', required: true, role: 'key' },
];
const spec = (...columns: object[]) => JSON.stringify({ table: 't', view: 'v', columns: [...KEYS, ...columns] });

describe('parseSpec', () => {
  it('reads paths as text or keys, the column name by default', () => {
    const { columns } = parseSpec(
      spec({ name: 'a', path: 'x.y', kind: 'int64' }, { name: 'b', path: ['x.y', ''], kind: 'bool' }),
      's',
    );
    expect(columns.map(({ path }) => path)).toEqual([['id'], ['key'], ['x', 'y'], ['x.y', '']]);
  });

  it('hashes what a spec means, not how it is written', () => {
    const one = parseSpec(spec({ name: 'a', kind: 'json' }), 's');
    const other = parseSpec(
      JSON.stringify(JSON.parse(spec({ kind: 'json', path: ['a'], name: 'a', required: false })), null, 2),
      's',
    );
    expect(specHash(other)).toBe(specHash(one));
    expect(specHash(parseSpec(spec({ name: 'a', kind: 'text' }), 's'))).not.toBe(specHash(one));
    expect(parseSpec(specJson(ORDERS_SPEC), 's')).toEqual(ORDERS_SPEC);
  });

  it('hashes a unit of time only if it is another than milliseconds', () => {
    const hash = (more: object) => specHash(parseSpec(spec({ name: 'a', kind: 'timestamp', ...more }), 's'));
    expect(hash({ unit: 'ms' })).toBe(hash({}));
    expect(new Set(['ms', 's', 'us', 'ns'].map((unit) => hash({ unit }))).size).toBe(4);
    const seconds = parseSpec(spec({ name: 'a', kind: 'date', unit: 's' }), 's');
    expect(parseSpec(specJson(seconds), 's')).toEqual(seconds);
    // Of the spec that is built in, as it was before there were units and a type of the order id.
    const before = ORDERS_SPEC.columns.filter(({ role }) => role !== 'key_type');
    expect(specHash({ ...ORDERS_SPEC, columns: before })).toBe(
      'ab652b25c2c62745727855b99e7e223032660eb72f34e80170d4a55e4436af58',
    );
  });

  it.each([
    ['not JSON', '{', /table spec s is not JSON/],
    ['an unknown kind', spec({ name: 'a', kind: 'float' }), /columns\.2\.kind/],
    ['an unknown property', spec({ name: 'a', kind: 'text', nullable: true }), /nullable/],
    ['a name that SQL would need quoted', spec({ name: 'A b', kind: 'text' }), /lower-case SQL identifier/],
    ['a name taken twice', spec({ name: 'id', path: 'x', kind: 'text' }), /column id: the name is taken twice/],
    ...[
      ...['extra', 'change_seq', 'sluice_partition', 'filename', 'file_row_number', 'file_index', 'rowid', '_metadata'],
      ...['null', 'true', 'false', '__filename', '__index_level_0__', '__x'],
    ].map((name) => [
      `the reserved name ${name}`,
      spec({ name, kind: 'text' }),
      new RegExp(`column ${name}: the name is reserved, .+: give it another name`),
    ]),
    [
      'a reserved name for raw text',
      spec({ name: 'a', kind: 'amount', raw: 'filename' }),
      /column filename: the name is reserved/,
    ],
    [
      'a path inside another',
      spec({ name: 'a', path: 'x', kind: 'json' }, { name: 'b', path: 'x.y', kind: 'text' }),
      /columns a and b/,
    ],
    ['an unknown unit', spec({ name: 'a', kind: 'timestamp', unit: 'min' }), /columns\.2\.unit/],
    [
      'a unit of no time',
      spec({ name: 'a', kind: 'int64', unit: 's' }),
      /column a: unit is for the kinds timestamp and date only/,
    ],
    ['raw on a text', spec({ name: 'a', kind: 'text', raw: 'a_raw' }), /raw is for kind amount only/],
    [
      'a role of another kind',
      spec({ name: 'a', kind: 'text', role: 'amount' }),
      /role amount needs kind amount, not text/,
    ],
    [
      'a role given twice',
      spec({ name: 'a', kind: 'text', role: 'key', required: true }),
      /role key: is given to key and a/,
    ],
    [
      'a key type that is no text',
      spec({ name: 'a', kind: 'int64', role: 'key_type' }),
      /role key_type needs kind text/,
    ],
    [
      'two key types',
      spec({ name: 'a', kind: 'text', role: 'key_type' }, { name: 'b', kind: 'text', role: 'key_type' }),
      /role key_type: is given to a and b/,
    ],
    ['no change id', JSON.stringify({ table: 't', view: 'v', columns: [KEYS[1]] }), /role change_id: no column has it/],
    [
      '65 columns',
      spec(...Array.from({ length: 63 }, (_, i) => ({ name: `c${i}`, kind: 'text' }))),
      /at most 64 columns/,
    ],
  ] as [string, string, RegExp][])('refuses %s', (_, text, message) => {
    expect(() => parseSpec(text, 's')).toThrow(message);
  });
});
