/** A promoted column has, after the backfill, what it would have had from the start; whatever ends it meanwhile. */
import { createHmac } from 'node:crypto';
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { backfill } from '../../src/commands/backfill.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { hasMasks } from '../../src/schema/mask.js';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { extraSpec } from '../../src/sinks/duckdb/backfill-rows.js';
import { temporaryPath } from '../../src/storage/data-dir.js';
import { makeBatch, openSink, order, temporaryDirectory } from '../support/batches.js';
import { parquetFiles, verified } from '../support/recovering.js';
import { queryDatabase } from '../support/verifying.js';

const LOG = createLogger({ level: 'silent', format: 'json' });

/** The spec of orders with more columns. */
const grown = (...columns: object[]) => {
  const { columns: known, ...names } = JSON.parse(specJson(ORDERS_SPEC)) as { columns: object[] };
  return JSON.stringify({ ...names, columns: [...known, ...columns] });
};
const LEVEL = { name: 'level', path: 'customer.level', kind: 'int64' };
const FEE = { name: 'fee', kind: 'amount', raw: 'fee_raw' };
const BOTH = grown(LEVEL, FEE);

const level = (value: unknown) => ({ customer: { id: 'c', level: value } });
const BATCHES: [partition: number, start: number, values: (string | null)[]][] = [
  [0, 0, [order('a', level(1)), order('b', level('high')), '{', order('c', { ...level(2), fee: '$1.50' })]],
  [0, 4, [order('d', { customer: { level: null, vip: true }, note: 'x"level"' }), order('a', level(7))]],
  [1, 0, [order('e'), order('f', { ...level(3), operation: 'snapshot_begin' }), order('g', { fee: 'much' })]],
  [1, 3, [order('h', { status: 7, ...level('3.0') }), order('i', { fee: 2.123456 })]],
];

interface Choices {
  readonly joined?: boolean;
  readonly state?: 'table';
}

async function written(spec = ORDERS_SPEC, { joined, state }: Choices = {}): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { spec, ...(state && { state }) });
  for (const [partition, start, values] of BATCHES) {
    await sink.stage(await makeBatch(dataDir, partition, start, values, { spec }));
    await sink.commit();
  }
  if (joined === true || state === 'table') await sink.compact({ everything: joined === true });
  await sink.close();
  return dataDir;
}

function backfilled(dataDir: string, name: string, spec = BOTH, more: Record<string, string> = {}) {
  const file = join(dataDir, 'spec.json');
  writeFileSync(file, spec);
  return backfill(readConfig({ DATA_DIR: dataDir, TABLE_SPEC: file, ...more }), name, LOG);
}

const COLUMNS = 'change_id, level, fee, fee_raw, extra, issues, kafka_partition, kafka_offset';
const ROWS = `SELECT ${COLUMNS} FROM cdc_orders ORDER BY kafka_partition, kafka_offset`;
const VIEW = `SELECT ${COLUMNS} FROM orders ORDER BY change_id`;
const ISSUES = 'SELECT partition_id, start_offset, rows_with_issues FROM sluice.batches ORDER BY ALL';
const FILES = (dataDir: string) =>
  `SELECT ${COLUMNS} FROM read_parquet('${dataDir}/parquet/*/*/*.parquet', union_by_name = true)
   ORDER BY kafka_partition, kafka_offset`;

it.each<[string, Choices]>([
  ['of a batch each', {}],
  ['that were joined', { joined: true }],
  ['beside the newest state as a table', { state: 'table' }],
])('rows and files are as if the column had been there: files %s', async (_, choices) => {
  const [dataDir, calm] = [await written(ORDERS_SPEC, choices), await written(parseSpec(BOTH, 'test'))];
  expect(await backfilled(dataDir, 'level')).toEqual({ values: 3, issues: 1, unread: 0 });
  expect(await backfilled(dataDir, 'fee')).toEqual({ values: 1, issues: 2, unread: 0 });
  for (const sql of [ROWS, VIEW]) expect(await queryDatabase(dataDir, sql)).toEqual(await queryDatabase(calm, sql));
  expect(await queryDatabase(dataDir, FILES(dataDir))).toEqual(await queryDatabase(calm, FILES(calm)));
  if (choices.joined !== true) expect(await queryDatabase(dataDir, ISSUES)).toEqual(await queryDatabase(calm, ISSUES));
  expect(await verified(dataDir)).toMatchObject({ problems: [] });

  const before = await queryDatabase(dataDir, ROWS);
  expect(await backfilled(dataDir, 'level')).toEqual({ values: 0, issues: 0, unread: 0 });
  expect(await queryDatabase(dataDir, ROWS)).toEqual(before);
});

it('finds fields of JSON in a string, and those of the key, where extra has them', async () => {
  const key = { name: 'id', path: 'doc.id', kind: 'text', required: true, role: 'key' };
  const spec = (...more: object[]) =>
    JSON.stringify({ table: 'cdc_orders', view: 'orders', columns: [key, ...more], embedded: ['doc'] });
  const grownText = spec({ name: 'deep', paths: ['doc.a.b', { key: 'b' }], kind: 'bool' });
  const [dataDir, old] = [temporaryDirectory(), parseSpec(spec(), 'test')];
  const sink = await openSink(dataDir, { spec: old });
  const doc = (content: object) => JSON.stringify({ doc: JSON.stringify(content) });
  const values = [doc({ id: 1, a: { b: true, c: 1 } }), doc({ id: 2, a: { b: 'so' } }), doc({ id: 3, b: true })];
  await sink.stage(await makeBatch(dataDir, 0, 0, values, { spec: old }));
  await sink.commit();
  await sink.close();
  expect(await backfilled(dataDir, 'deep', grownText)).toEqual({ values: 1, issues: 1, unread: 0 });
  expect(await queryDatabase(dataDir, 'SELECT id, deep, extra, issues FROM cdc_orders ORDER BY id')).toEqual([
    ['1', true, '{"doc":{"a":{"c":1}}}', 0n],
    ['2', null, '{"doc":{"a":{"b":"so"}}}', 2n],
    ['3', null, '{"doc":{"b":true}}', 0n],
  ]);
  expect((await verified(dataDir)).problems).toEqual([]);
  const { columns } = parseSpec(grownText, 'test');
  expect(extraSpec(old, [columns[1]]).columns[0].paths[1]).toEqual({ of: 'value', names: ['message_key', 'b'] });
});

it('masks nothing inside of a column by a spec that only ignores', () => {
  const columns = [
    { name: 'id', kind: 'text', required: true, role: 'key' },
    { name: 'document', kind: 'json' },
  ];
  const of = (more: object) => {
    const spec = parseSpec(JSON.stringify({ table: 't', view: 'v', columns, ignore: ['noise'], ...more }), 'test');
    return hasMasks(extraSpec(spec, [spec.columns[1]]));
  };
  expect([of({}), of({ masks: [{ path: 'document.secret', mask: 'redact' }] })]).toEqual([false, true]);
});

it.each<[string, Choices]>([
  ['files', {}],
  ['and the newest state as a table', { state: 'table' }],
])('leaves values that a column has, in table %s', async (_, choices) => {
  const spec = (...paths: string[]) => grown({ name: 'level', paths, kind: 'amount', raw: 'level_raw' });
  const both = spec('level_a', 'level_b');
  const dataDir = temporaryDirectory();
  const old = parseSpec(spec('level_a'), 'test');
  const sink = await openSink(dataDir, { spec: old, ...choices });
  const values = [
    order('a', { level_a: 1, level_b: 20 }),
    order('b', { level_b: 3 }),
    order('c', { level_a: 'no', level_b: 4 }),
    order('d', { level_b: '$5' }),
  ];
  await sink.stage(await makeBatch(dataDir, 0, 0, values, { spec: old }));
  await sink.commit();
  await sink.compact({ everything: false });
  await sink.close();
  expect(await backfilled(dataDir, 'level', both)).toEqual({ values: 2, issues: 0, unread: 0 });
  const levels = (relation: string) => `SELECT change_id, level::DOUBLE, level_raw FROM ${relation} ORDER BY ALL`;
  const rows = [
    ['a', 1, '1'],
    ['b', 3, '3'],
    ['c', null, 'no'],
    ['d', 5, '$5'],
  ];
  const files = `read_parquet('${dataDir}/parquet/*/*/*.parquet')`;
  for (const relation of ['cdc_orders', 'orders', files]) {
    expect(await queryDatabase(dataDir, levels(relation)), relation).toEqual(rows);
  }
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('masks what is inside of a column of JSON, copies too, and leaves the rest of extra', async () => {
  const dataDir = temporaryDirectory();
  const secret = (name: string) => `zz-${name}`;
  const person = { email: secret('email'), seen: 7 };
  const changed = { 'owner.email': secret('copy'), 'tags.0': 1, owner: secret('shape') };
  const values = [
    order('a', { owner: person, rest: { email: 'left' } }),
    order('b', { changed, message_key: { who: { name: secret('name') } } }),
    order('c', { owner: secret('text'), changed: { owner: person }, rest: { email: 'left' } }),
  ];
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, values));
  await sink.commit();
  await sink.close();
  const { columns, ...names } = JSON.parse(
    grown(
      { name: 'owner', kind: 'json' },
      { name: 'changed', kind: 'json' },
      { name: 'who', path: { key: 'who' }, kind: 'json' },
    ),
  );
  const spec = JSON.stringify({
    ...{ ...names, columns },
    masks: [
      { path: 'owner.email', mask: 'hmac' },
      { path: { key: 'who.name' }, mask: 'redact' },
      { path: 'rest.email', mask: 'redact' },
    ],
    copies: [{ path: 'changed', dotted: true }],
  });
  const key = join(dataDir, 'mask.key');
  writeFileSync(key, 'k'.repeat(32), { mode: 0o600 });
  const masked = (name: string) => createHmac('sha256', 'k'.repeat(32)).update(secret(name)).digest('hex').slice(0, 32);
  for (const [column, count] of [
    ['owner', 2],
    ['changed', 2],
    ['who', 1],
  ] as const) {
    const found = await backfilled(dataDir, column, spec, { MASK_KEY_FILE: key });
    expect(found, column).toEqual({ values: count, issues: 0, unread: 0 });
  }
  const inJson = (name: string) => JSON.stringify({ email: masked(name), seen: 7 });
  expect(
    await queryDatabase(dataDir, 'SELECT owner, changed, who, extra FROM cdc_orders ORDER BY kafka_offset'),
  ).toEqual([
    [inJson('email'), null, null, '{"rest":{"email":"left"}}'],
    [null, JSON.stringify({ ...changed, 'owner.email': masked('copy'), owner: '***' }), '{"name":"***"}', null],
    [
      '"***"',
      JSON.stringify({ owner: person }).replace(secret('email'), masked('email')),
      null,
      '{"rest":{"email":"left"}}',
    ],
  ]);
  expect(
    await queryDatabase(
      dataDir,
      `SELECT count(*) FROM read_parquet('${dataDir}/parquet/*/*/*.parquet') f WHERE contains(f::VARCHAR, 'zz-')`,
    ),
  ).toEqual([[0n]]);
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('reads a row at a time, if a page of bytes has no more', async () => {
  const dataDir = await written();
  const padded = (id: string) => order(id, { ...level(4), padding: 'x'.repeat(1 << 19) });
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 1, 5, ['x', 'y', 'z'].map(padded)));
  await sink.commit();
  await sink.close();
  const small = { BATCH_BYTES: `${1 << 20}` };
  expect(await backfilled(dataDir, 'level', BOTH, small)).toEqual({ values: 6, issues: 1, unread: 0 });
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('is finished by the next start if only a rename is missing, and begins again if it was killed before', async () => {
  const dataDir = await written();
  const before = temporaryDirectory();
  cpSync(dataDir, before, { recursive: true });
  const names = parquetFiles(dataDir);
  await backfilled(dataDir, 'level');
  const rows = await queryDatabase(dataDir, ROWS);
  for (const name of names) {
    const [path, old] = [join(dataDir, name), readFileSync(join(before, name))];
    const written = readFileSync(path);
    if (written.equals(old)) continue;
    renameSync(path, temporaryPath(path));
    writeFileSync(path, old);
    // In the one that was killed before: an unfinished write.
    writeFileSync(temporaryPath(join(before, name)), written);
  }
  expect((await verified(dataDir)).notes.join('\n')).toMatch(/the next start puts the new .* in place/);
  expect(await backfilled(dataDir, 'level')).toEqual({ values: 0, issues: 0, unread: 0 });
  expect(await verified(dataDir)).toMatchObject({ problems: [] });
  expect(await backfilled(before, 'level')).toEqual({ values: 3, issues: 1, unread: 0 });
  expect(await queryDatabase(before, ROWS)).toEqual(rows);
  expect(await verified(before)).toMatchObject({ problems: [] });
});

it.each([
  ['no_such', /the table spec has no column no_such: add it/],
  ['amount', /column amount has a role/],
])('refuses %s', async (name, message) => {
  const dataDir = await written();
  await expect(backfilled(dataDir, name)).rejects.toMatchObject({
    code: 'SLUICE_CONFIG',
    message: expect.stringMatching(message),
  });
});
