import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { ui } from '../../src/commands/ui.js';
import { readConfig } from '../../src/config.js';
import { temporaryDirectory } from '../support/batches.js';

it('refuses a database without tables, as after the log of its first run was lost', async () => {
  const dataDir = temporaryDirectory();
  (await DuckDBInstance.create(join(dataDir, 'analytics.db'))).closeSync();
  const options = { port: 0, signal: AbortSignal.abort(), write: async () => {} };
  await expect(ui(readConfig({ DATA_DIR: dataDir }, false), options)).rejects.toMatchObject({
    code: 'SLUICE_CONFIG',
    message: `DATA_DIR=${dataDir} has no tables yet: "sluice run" makes them`,
  });
});
