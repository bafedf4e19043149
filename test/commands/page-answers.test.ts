import { expect, it } from 'vitest';
import { PageAnswers } from '../../src/commands/page-answers.js';
import { readConfig } from '../../src/config.js';
import { openSql } from '../../src/query/sql-client.js';
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
