/** A database follows the table spec, on a database alone. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import type { StoredSpec } from '../../../src/schema/spec.js';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { specHash } from '../../../src/schema/spec-hash.js';
import { checkStoredSpec, columnDefinitions, migrate } from '../../../src/sinks/duckdb/ddl.js';
import { DUCKDB_LAYOUT } from '../../../src/sinks/duckdb/format.js';
import { TOPIC } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';

const ID = { name: 'id', kind: 'text', required: true, role: 'change_id' };
const KEY = { name: 'key', kind: 'text', required: true, role: 'key' };
const WORD = { name: 'word', kind: 'text' };
const OPERATION = { name: 'operation', kind: 'text', role: 'operation' };

const specOf = (columns: object[], more: object = {}) =>
  parseSpec(JSON.stringify({ table: 'log', view: 'now', columns, ...more }), 'of the test');
const ignoring = (columns: object[], ...ignore: string[]) => specOf(columns, { ignore });
const BASE = specOf([ID, KEY, WORD]);

const all = async (connection: DuckDBConnection, sql: string) =>
  (await rowsOf(connection, sql)).map((row) => Object.values(row));
const COLUMNS = `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'log' AND schema_name = 'main'
  AND database_name = current_database() ORDER BY column_index`;
const META = 'SELECT spec_hash, topic, format_version, created_format FROM sluice.meta';

async function migrated(spec = BASE): Promise<DuckDBConnection> {
  const connection = await memoryConnection();
  await migrate(connection, spec, TOPIC);
  return connection;
}

const refused = (message: string | RegExp) => ({
  code: 'SLUICE_SPEC_CHANGED',
  message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
});

describe('a database', () => {
  it('is made for a spec, and left as it is for the same one', async () => {
    const connection = await migrated();
    expect(await all(connection, META)).toEqual([[specHash(BASE), TOPIC, 3, 3]]);
    expect((await all(connection, COLUMNS)).map(([name, type]) => `"${name}" ${type}`).join(', ')).toBe(
      columnDefinitions(BASE),
    );
    await connection.run(`UPDATE sluice.meta SET changed_at = make_timestamptz(0)`);
    const statements = vi.spyOn(connection, 'run');
    expect(await migrate(connection, BASE, TOPIC)).toEqual([0, 1, 2]);
    expect(statements.mock.calls.flat().join('\n')).not.toMatch(/ALTER TABLE "?log|sluice\.meta SET|markers BY NAME/);
    expect(await all(connection, 'SELECT epoch_ms(changed_at) FROM sluice.meta')).toEqual([[0n]]);
  });

  it('gets new columns, of a table of its own alone', async () => {
    const connection = await migrated();
    await connection.run(
      `ATTACH ':memory:' AS other; CREATE TABLE other.log (more INTEGER);
       CREATE SCHEMA beside; CREATE TABLE beside.log (more INTEGER); CREATE TABLE unlike (more INTEGER)`,
    );
    const spec = specOf([ID, { name: 'more', kind: 'int64' }, KEY, WORD]);
    expect(await migrate(connection, spec, TOPIC)).toEqual([0, 3, 1, 2]);
    expect((await all(connection, COLUMNS)).at(-1)).toEqual(['more', 'BIGINT']);
    expect(await all(connection, META)).toEqual([[specHash(spec), TOPIC, 3, 3]]);
    await connection.run('DROP VIEW now; DROP TABLE log');
    await migrate(connection, spec, TOPIC);
    expect((await all(connection, COLUMNS))[1]).toEqual(['more', 'BIGINT']);
  });

  it('has its view as it can be read: of the state or of the change log', async () => {
    const connection = await migrated();
    const reads = () => all(connection, `SELECT sql LIKE '%sluice.state%' FROM duckdb_views() WHERE view_name = 'now'`);
    expect(await reads()).toEqual([[false]]);
    await migrate(connection, BASE, TOPIC, DUCKDB_LAYOUT, 'table');
    expect(await reads()).toEqual([[true]]);
    await migrate(connection, BASE, TOPIC);
    expect(await reads()).toEqual([[true]]);
  });

  it('stays as it was if the spec cannot be written, with the reason', async () => {
    const connection = await migrated();
    const more = specOf([ID, KEY, WORD, { name: 'more', kind: 'text' }]);
    const run = connection.run.bind(connection);
    const spy = vi.spyOn(connection, 'run').mockImplementation(async (sql, ...others) => {
      if (sql.includes('REPLACE VIEW')) throw new Error('no space');
      const result = await run(sql, ...others);
      if (sql === 'ROLLBACK') throw new Error('no connection');
      return result;
    });
    await expect(migrate(connection, more, TOPIC)).rejects.toThrow('no space');
    spy.mockRestore();
    expect(await all(connection, META)).toEqual([[specHash(BASE), TOPIC, 3, 3]]);
    expect(await all(connection, 'SELECT count(*)::INTEGER FROM sluice.columns')).toEqual([[3]]);
  });

  it('takes rows that are markers to a new spec out of the change log', async () => {
    const plain = { ...OPERATION, role: undefined };
    const connection = await migrated(specOf([ID, KEY, plain]));
    await connection.run(
      `INSERT INTO log BY NAME SELECT id: 'i', key: 'k', operation: 'snapshot_begin', kafka_partition: 0,
         kafka_offset: 0,
         change_seq: 0, issues: 0, is_late: false, is_high_value: false`,
    );
    await migrate(connection, specOf([ID, KEY, OPERATION]), TOPIC);
    expect(await all(connection, 'SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM sluice.markers)')).toEqual([
      [0n, 1n],
    ]);
  });

  it('refuses a column of another type, before anything changes', async () => {
    const connection = await migrated();
    const columns = [ID, KEY, { name: 'word', kind: 'int64' }, { name: 'more', kind: 'text' }];
    await expect(migrate(connection, specOf(columns), TOPIC)).rejects.toMatchObject(
      refused('column word of log is VARCHAR, the table spec makes it BIGINT'),
    );
    expect((await all(connection, COLUMNS)).map(([name]) => name)).not.toContain('more');
  });
});

describe('masks of columns that have left', () => {
  const masked = { ...WORD, mask: 'redact' };
  const LEFT = 'SELECT name, mask FROM sluice.left_columns ORDER BY ALL';
  const hasLeft = (connection: DuckDBConnection) =>
    all(connection, `SELECT 1 FROM duckdb_tables() WHERE table_name = 'left_columns'`);

  it('are remembered, and those without a mask, once', async () => {
    const other = { name: 'other', kind: 'text' };
    const connection = await migrated(specOf([ID, KEY, masked, other]));
    await migrate(connection, specOf([ID, KEY, masked, other, { name: 'x', kind: 'bool' }]), TOPIC);
    expect(await hasLeft(connection)).toEqual([]);
    for (const spec of [ignoring([ID, KEY], 'word'), specOf([ID, KEY, masked]), ignoring([ID, KEY], 'word')]) {
      await migrate(connection, spec, TOPIC);
    }
    expect(await all(connection, LEFT)).toEqual([
      ['other', null],
      ['word', '"redact"'],
      ['x', null],
    ]);
    for (const [column, text] of [
      [WORD, 'column word of log has the mask "redact" in the data directory, and no mask in the table spec'],
      [{ ...other, mask: 'drop' }, 'column other of log has no mask in the data directory, and the mask "drop" in the'],
    ] as const) {
      const ignored = column === WORD ? [] : ['word'];
      await expect(migrate(connection, ignoring([ID, KEY, column], ...ignored), TOPIC)).rejects.toMatchObject(
        refused(text),
      );
    }
    await migrate(connection, specOf([ID, KEY, masked, other]), TOPIC);
  });

  it('are not those of another database', async () => {
    const connection = await migrated(specOf([ID, KEY, WORD]));
    await connection.run(
      `ATTACH ':memory:' AS other; CREATE SCHEMA other.sluice; CREATE TABLE other.sluice.left_columns (name VARCHAR);
       CREATE TABLE left_columns (name VARCHAR)`,
    );
    await migrate(connection, specOf([ID, KEY]), TOPIC);
    expect(await all(connection, LEFT)).toEqual([['word', null]]);
  });
});

describe('a stored spec', () => {
  const stored = (more: Partial<StoredSpec> = {}): StoredSpec => ({
    table: 'log',
    columns: [
      { name: 'id', kind: 'text', role: 'change_id' },
      { name: 'key', kind: 'text', role: 'key' },
      { name: 'word', kind: 'text' },
    ],
    ...more,
  });

  it('has no more to say of what stays, comes or goes', () => {
    checkStoredSpec(stored(), BASE);
    checkStoredSpec(stored(), specOf([ID, KEY, { name: 'more', kind: 'bool' }]));
  });

  it.each<[string, StoredSpec, object[]]>([
    ['column word of log is text, the table spec makes it json', stored(), [ID, KEY, { ...WORD, kind: 'json' }]],
    [
      'has the table old with the change id id, the table spec has the table log with',
      stored({ table: 'old' }),
      [ID, KEY],
    ],
    [
      'has the table log without a change id, the table spec has the table log with the change id id',
      stored({ columns: [{ name: 'id', kind: 'text' }] }),
      [ID, KEY],
    ],
    ['the table spec has the table log without a change id', stored(), [{ ...ID, role: undefined }, KEY]],
    ['and the mask {"partial":{"keep":2}} in', stored(), [ID, KEY, { ...WORD, mask: { partial: { keep: 2 } } }]],
  ])('refuses: %s', (text, known, columns) => {
    expect(() => checkStoredSpec(known, specOf(columns))).toThrow(expect.objectContaining(refused(text)));
  });

  it('of before there were masks may have forms that nobody reads anymore', () => {
    const old = stored({ columns: stored().columns.map((column) => ({ ...column, path: { no: 'path' } })) });
    checkStoredSpec(old, BASE);
  });
});
