import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { PageAnswers } from '../../src/commands/page-answers.js';
import { readConfig } from '../../src/config.js';
import { openSql } from '../../src/query/sql-client.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { queriedDirectory } from '../support/queried.js';

it('refuses a row that would hold up the thread that polls, and goes on', async () => {
  const dataDir = await queriedDirectory(true);
  const { spec } = readConfig({}, false);
  const answers = new PageAnswers(() => openSql(dataDir), { spec, highValueThreshold: '1000' });
  const ask = (sql: string) => answers.query(sql, new AbortController().signal);
  await expect(ask("SELECT repeat('x', 20_000_000) AS long")).rejects.toMatchObject({
    code: 'SLUICE_QUERY',
    message: expect.stringMatching(/^more than 8 MiB in a row: ask for parts of its values/),
  });
  expect(await ask("SELECT repeat('x', 3_000_000) AS long FROM range(3)")).toMatchObject({
    rows: [[expect.any(String)]],
    isCut: true,
  });
  expect(await ask('SELECT count(*) AS n FROM cdc_orders')).toMatchObject({ columns: ['n'], rows: [[2]] });
});

it('reads tables and no files, whatever they are called', async () => {
  const dataDir = await queriedDirectory(true);
  const { spec } = readConfig({}, false);
  const answers = new PageAnswers(() => openSql(dataDir), { spec, highValueThreshold: '1000' });
  const ask = (sql: string) => answers.query(sql, new AbortController().signal);
  for (const sql of [
    `SELECT content FROM read_text('/etc/hostname')`,
    `EXPLAIN ANALYZE FROM read_blob('/etc/hostname')`,
    `FROM "/etc/hosts.csv"`,
    `FROM '/etc/hosts.csv' hosts, cdc_orders`,
    `SELECT (SELECT count(*) FROM glob('/etc/*'))`,
    `FROM query_table(['/etc/hosts.csv'])`,
    "WITH a AS (FROM /* */ read_csv ('/etc/hosts')) FROM a",
    // DuckDB looks for a file by a table's whole name.
    `FROM "/etc/hosts".csv`,
    'FROM hosts.csv',
    'FROM memory.hosts.parquet',
    `SUMMARIZE hosts.csv`,
    `FROM histogram('/etc/hosts.csv', b)`,
    `FROM histogram_values('/etc/hosts.csv', b)`,
    `FROM sql_auto_complete('FROM ''/etc/')`,
  ]) {
    await expect(ask(sql), sql).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringContaining('the page reads tables and no files'),
    });
  }
  // Its error would show what is in the file.
  await expect(ask(`SELECT json_serialize_plan('SELECT zz FROM read_csv(''/etc/hosts'')')`)).rejects.toMatchObject({
    message: 'the function json_serialize_plan is not allowed: a query must only read',
  });
  expect(await ask('EXPLAIN FROM cdc_orders')).toMatchObject({ isCut: false });
  for (const table of ['main.cdc_orders', 'SLUICE.batches', 'analytics.sluice.batches', 'information_schema.tables']) {
    expect(await ask(`SELECT count(*) AS n FROM ${table}`), table).toMatchObject({ columns: ['n'] });
  }
});

it('masks a message that is tried with a key of its own, so that nobody can try what a mask is of', async () => {
  const [key, email] = ['id', 'email'].map((name) => ({ name, kind: 'text', role: name === 'id' ? 'key' : undefined }));
  const columns = [
    { ...key, required: true },
    { ...email, mask: 'hmac' },
  ];
  const spec = parseSpec(JSON.stringify({ table: 't', view: 'v', columns }), 'of the test');
  const maskKey = new Uint8Array(32);
  const answers = new PageAnswers(async () => expect.fail('no query'), { spec, maskKey, highValueThreshold: '1000' });
  const real = createHmac('sha256', maskKey).update('a@b.c').digest('hex').slice(0, 32);
  const { row } = answers.tryMessage(Buffer.from('{"id":"1","email":"a@b.c"}'), null) as {
    row: Record<string, string>;
  };
  expect(row.email).toMatch(/^[0-9a-f]{32}$/);
  expect(row.email).not.toBe(real);
});
