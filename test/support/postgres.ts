/** A real Postgres for one test file: on a free port of the loopback, with data of its own, gone with the file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import {
  type LocalPostgres,
  type Postgres,
  type PostgresOptions,
  startPostgres,
  whyNoPostgres,
} from './postgres-server.js';

/**
 * A `describe` with a Postgres of its own; skipped if none can be started. One serves many tests, each with a database.
 * @param body gets a function that tells the server, to be called within hooks and tests
 */
export function describePostgres(
  name: string,
  body: (postgres: () => Postgres) => void,
  options: PostgresOptions = {},
): void {
  describe.skipIf(whyNoPostgres() !== undefined)(name, () => {
    let folder: string;
    let postgres: LocalPostgres | undefined;
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'sluice-postgres-'));
      postgres = await startPostgres(folder, options);
    });
    afterAll(async () => {
      await postgres?.quit();
      await rm(folder, { recursive: true, force: true });
    });
    body(() => postgres as Postgres);
  });
}
