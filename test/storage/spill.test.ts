import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { allRows, openSql } from '../../src/query/sql-client.js';
import { queriedDirectory } from '../support/queried.js';

it('what one process spills is in no folder of another that reads the same directory', async () => {
  const dataDir = await queriedDirectory(false);
  const clients = [await openSql(dataDir), await openSql(dataDir)];
  const sql = `SELECT current_setting('temp_directory') AS folder`;
  const folders = (await Promise.all(clients.map((client) => allRows(client, sql)))).map(([{ folder }]) => `${folder}`);
  for (const client of clients) client.close();
  expect(new Set(folders).size).toBe(2);
  expect(folders.map(dirname)).toEqual([dataDir, dataDir]);
});
