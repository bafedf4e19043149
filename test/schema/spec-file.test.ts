import { describe, expect, it } from 'vitest';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';

const KEYS = [
  { name: 'id', kind: 'text', required: true, role: 'change_id' },
  { name: 'key', kind: 'text', required: true, role: 'key' },
];
const spec = (...columns: object[]) => JSON.stringify({ table: 't', view: 'v', columns: [...KEYS, ...columns] });

/** Of which a tombstone has what is required. */
const keyed = (...columns: object[]) => ({
  ...JSON.parse(spec()),
  columns: [...KEYS.map((column) => ({ ...column, paths: [column.name, { key: [column.name] }] })), ...columns],
});

describe('parseSpec', () => {
  it('takes the words of the topic in deletes, beside what they become', () => {
    const columns = [{ name: 'a', kind: 'text', role: 'operation', operations: { c: 'insert', d: 'delete' } }];
    const of = (deletes: object) => parseSpec(JSON.stringify({ ...keyed(...columns), deletes }), 's');
    expect(of({ operations: ['d', 'delete', 'x'] }).deletes?.operations).toEqual(['d', 'delete', 'x']);
    const stored = of({ tombstone: true });
    expect(parseSpec(specJson(stored), 'stored')).toEqual(stored);
  });

  it('reads paths as text or keys, the column name by default', () => {
    const { columns } = parseSpec(
      spec({ name: 'a', path: 'x.y', kind: 'int64' }, { name: 'b', path: ['x.y', ''], kind: 'bool' }),
      's',
    );
    expect(columns.map(({ paths }) => paths)).toEqual(
      [['id'], ['key'], ['x', 'y'], ['x.y', '']].map((names) => [{ of: 'value', names }]),
    );
  });

  it.each([
    ['', /path: must not be empty: leave it out/],
    ['b..c', /path: "b\.\.c" has no name before, between or after its dots/],
    ['.b', /path: "\.b" has no name/],
    ['b.', /path: "b\." has no name/],
    ['items[0].sku', /path: "items\[0\]\.sku" cannot name an element .* "items" .* kind json.*\["items\[0\]","sku"\]/],
    ['$.a.b', /path: must begin with the name of a field, without "\$": "a\.b"/],
    [3, /path: must be a text such as "customer\.id", a list/],
    [[], /path: must be a text/],
  ])('refuses the path %j and says what is meant', (path, message) => {
    expect(() => parseSpec(spec({ name: 'a', path, kind: 'text' }), 's')).toThrow(message);
  });

  it('takes any names in a list, and a $schema for editors', () => {
    const path = ['items[0]', 'a.b', ''];
    const text = JSON.stringify({
      $schema: './spec.schema.json',
      ...JSON.parse(spec({ name: 'a', path, kind: 'text' })),
    });
    expect(parseSpec(text, 's').columns.at(-1)?.paths).toEqual([{ of: 'value', names: path }]);
    expect(parseSpec(text, 's')).toEqual(parseSpec(spec({ name: 'a', path, kind: 'text' }), 's'));
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

  it('reads words of operations, what deletes, and encodings; comments change nothing', () => {
    const columns = [
      { name: 'a', kind: 'text', role: 'operation', operations: { c: 'insert', d: 'delete', true: 'delete' } },
      { name: 'b', kind: 'bool' },
      { name: 'c', kind: 'amount', encoding: 'base64' },
      { name: 'd', kind: 'date', unit: 'd' },
      { name: 'e', kind: 'decimal', precision: 38, encoding: 'base64', scale: 9 },
      { name: 'f', kind: 'decimal', precision: 5 },
    ];
    const json = keyed(...columns);
    const deletes = { operations: ['delete'], flag: 'b', tombstone: true };
    const parsed = parseSpec(JSON.stringify({ ...json, deletes }), 's');
    expect(parsed.columns[2].operations).toEqual({ c: 'insert', d: 'delete', true: 'delete' });
    expect(parsed.columns.slice(4).map(({ scale }) => scale)).toEqual([0, undefined, 9, 0]);
    expect(parsed.deletes).toEqual(deletes);
    expect(parseSpec(specJson(parsed), 's')).toEqual(parsed);
    const commented = {
      ...json,
      deletes,
      comment: 'why',
      columns: json.columns.map((c: object) => ({ ...c, comment: '' })),
    };
    expect(parseSpec(JSON.stringify(commented), 's')).toEqual(parsed);
    const hashes = [{}, { operations: ['delete'] }, { flag: 'b' }].map((more) =>
      specHash(parseSpec(JSON.stringify({ ...json, deletes: more }), 's')),
    );
    expect(new Set(hashes).size).toBe(3);
  });

  it('reads alternatives, fields of the key, embedded JSON and what to ignore', () => {
    const more = {
      embedded: ['after', { key: ['payload', 'id'] }],
      ignore: ['source', ['a.b'], { key: 'schema' }],
      deletes: { tombstone: true },
    };
    const columns = [
      { name: 'a', paths: ['after._id', { key: 'payload.id' }, ['x.y']], kind: 'text' },
      { name: 'b', path: 'source.ts_ms', kind: 'timestamp' },
      { name: 'c', kind: 'text', role: 'operation' },
    ];
    const text = JSON.stringify({ ...keyed(...columns), ...more });
    const parsed = parseSpec(text.replace('{"key":"payload.id"}', '{"key":"payload.other"}'), 's');
    expect(parsed.columns[2].paths).toEqual([
      { of: 'value', names: ['after', '_id'] },
      { of: 'key', names: ['payload', 'other'] },
      { of: 'value', names: ['x.y'] },
    ]);
    expect(parsed.embedded).toEqual([
      { of: 'value', names: ['after'] },
      { of: 'key', names: ['payload', 'id'] },
    ]);
    expect(parsed.ignore[2]).toEqual({ of: 'key', names: ['schema'] });
    expect(parsed.deletes).toEqual({ operations: ['delete', 'vanished'], flag: undefined, tombstone: true });
    expect(parseSpec(specJson(parsed), 's')).toEqual(parsed);
    const whole = parseSpec(spec({ name: 'a', path: { key: [] }, kind: 'json' }), 's');
    expect(whole.columns[2].paths).toEqual([{ of: 'key', names: [] }]);
    expect(() => parseSpec(text, 's')).toThrow(/embedded .* is read as it is by column a/);
  });

  it.each([
    [{ ignore: ['a'] }, /ignore \["a"\]: is read by column a/],
    [{ ignore: ['a.b'] }, /ignore \["a","b"\]: is read by column a/],
    [{ ignore: ['x', 'x.y'] }, /ignore \["x","y"\]: \["x"\] says it already/],
    [{ embedded: ['a'] }, /embedded \["a"\]: is read as it is by column a/],
    [{ embedded: ['x', 'x'] }, /embedded \["x"\]: is given twice/],
    [{ embedded: [{ key: [] }] }, /embedded \{"key":\[\]\}: must name a field of the key/],
    [
      { embedded: ['x.y'], ignore: ['x'] },
      /embedded \["x","y"\]: is ignored by \["x"\], and no column is read from it/,
    ],
    [{ embedded: ['x'], ignore: ['x'] }, /embedded \["x"\]: is ignored by/],
    [{ embedded: ['x', 'x.x', 'x.x.x', 'x.x.x.x', 'x.x.x.x.x'] }, /at most 4 strings of JSON/],
    [{ embedded: [['1', '2', '3', '4', '5', '6', '7', '8', '9']] }, /a path has at most 8 keys/],
    [{ ignore: [{ key: 3 }] }, /ignore\.0: must be a text/],
  ])('refuses the paths of %j and says why', (more, message) => {
    const text = JSON.stringify({ ...JSON.parse(spec({ name: 'a', kind: 'text' })), ...more });
    expect(() => parseSpec(text, 's')).toThrow(message);
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
    [
      'an alternative inside another',
      spec({ name: 'a', paths: ['x', 'x.y'], kind: 'json' }),
      /column a: one path must not be, or lie inside, the other \(\["x"\], \["x","y"\]\)/,
    ],
    [
      'a field of the key next to all of it',
      spec({ name: 'a', path: { key: [] }, kind: 'json' }, { name: 'b', path: { key: 'x' }, kind: 'text' }),
      /columns a and b: .* \(\{"key":\[\]\}, \{"key":\["x"\]\}\)/,
    ],
    [
      'more than 64 paths',
      spec({ name: 'a', paths: Array.from({ length: 63 }, (_, n) => `x${n}`), kind: 'text' }),
      /columns: have 65 paths, alternatives included: at most 64/,
    ],
    [
      'a path and paths',
      spec({ name: 'a', path: 'x', paths: ['y'], kind: 'text' }),
      /column a: has a path and paths: give one of them/,
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
    ['no key', JSON.stringify({ table: 't', view: 'v', columns: [KEYS[0]] }), /role key: no column has it/],
    [
      'a change id that is not required',
      JSON.stringify({ table: 't', view: 'v', columns: [{ ...KEYS[0], required: false }, KEYS[1]] }),
      /role change_id needs "required": true/,
    ],
    [
      'words for operations that are none',
      spec({ name: 'a', kind: 'text', role: 'operation', operations: { c: 'create' } }),
      /columns\.2\.operations\.c: .*"insert"/,
    ],
    [
      'operations without a word',
      spec({ name: 'a', kind: 'text', role: 'operation', operations: {} }),
      /column a: operations must have a word/,
    ],
    [
      'operations of another role',
      spec({ name: 'a', kind: 'text', operations: { c: 'insert' } }),
      /column a: operations are for role operation only/,
    ],
    ['a scale alone', spec({ name: 'a', kind: 'amount', scale: 2 }), /column a: scale is for kind decimal, and for/],
    ['a scale of no integer', spec({ name: 'a', kind: 'amount', encoding: 'base64', scale: 39 }), /columns\.2\.scale/],
    [
      'an encoding of a text',
      spec({ name: 'a', kind: 'text', encoding: 'base64' }),
      /column a: encoding is for the kinds amount and decimal only/,
    ],
    ...[
      [{ operations: ['delete'] }, /deletes: operations need a column with role operation/],
      [{ flag: 'key' }, /deletes: flag must name a column of kind bool, and key is text/],
      [{ flag: 'x' }, /deletes: flag must name a column of kind bool, and x is no column/],
      [{ tombstone: true }, /deletes: tombstone needs a column with role operation or a flag/],
      [{ flags: 'x' }, /deletes: .*flags/],
    ].map(([deletes, message]) => [
      `deletes of ${JSON.stringify(deletes)}`,
      JSON.stringify({ ...JSON.parse(spec()), deletes }),
      message,
    ]),
    [
      'tombstones without a required column that has a path of the key',
      JSON.stringify({
        ...keyed({ name: 'o', kind: 'text', required: true, role: 'operation' }, { name: 'b', kind: 'bool' }),
        deletes: { tombstone: true },
      }).replace('{"key":["id"]}', '"other"'),
      /deletes: tombstone needs a path of the message key in column id, which is required/,
    ],
    [
      "deletes by the topic's word alone",
      JSON.stringify({
        ...JSON.parse(spec({ name: 'a', kind: 'text', role: 'operation', operations: { c: 'insert', d: 'delete' } })),
        deletes: { operations: ['d'] },
      }),
      /deletes: "d" becomes "delete" by the operations of column a, .*: add it/,
    ],
    [
      '65 columns',
      spec(...Array.from({ length: 63 }, (_, i) => ({ name: `c${i}`, kind: 'text' }))),
      /at most 64 columns/,
    ],
  ] as [string, string, RegExp][])('refuses %s', (_, text, message) => {
    expect(() => parseSpec(text, 's')).toThrow(message);
  });
});
