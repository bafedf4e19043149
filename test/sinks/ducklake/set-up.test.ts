/** Runs the SQL that docs/lake.md has for Postgres. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { order, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

const DOCUMENT = readFileSync(fileURLToPath(new URL('../../../docs/lake.md', import.meta.url)), 'utf8');

/** The SQL of a section, statement by statement. */
function statements(section: string): string[] {
  const [text] = DOCUMENT.split(`\n## ${section}\n`)[1].split('\n## ');
  return [...text.matchAll(/^```sql\n(.*?)^```/gms)].flatMap(([, sql]) =>
    sql.split(/;\s*$/m).filter((one) => /\S/.test(one)),
  );
}

describe.skipIf(whyNoExtensions() !== undefined)('a lake that is set up as docs/lake.md says', () => {
  describePostgres(
    'with a Postgres that asks for passwords',
    (postgres) => {
      it('is made by a role that owns its database only, and watched by the queries for it', async () => {
        const admin = await postgres().createDatabase();
        for (const sql of statements('Set-up')) await postgres().query(admin, sql);
        const lake = `host=127.0.0.1 port=${postgres().port} user=lake password=change-me dbname=lake`;
        const options = lakeOptions(temporaryDirectory(), `postgres:${lake}`);
        const sink = await openLakeSink(options);
        await sink.stage(await makeLakeBatch(options, 0, 0, [order(token(1)), order(token(2))], { epoch: 1 }));
        await sink.commit();
        const [owners, last, commits, connections] = await Promise.all(
          statements('What to watch').map((sql) => postgres().query(lake, sql)),
        );
        expect(owners).toEqual([expect.stringMatching(/^test\|2\|2\|/)]);
        expect(last).toEqual([expect.stringMatching(/^2\|/)]);
        expect(commits.map((row) => row.split('|').at(-1))).toEqual([
          'cdc_orders 0: 0–2',
          'cdc_orders 0: begins at–0, 1: begins at–0',
        ]);
        expect(connections.length).toBeGreaterThan(1);
      });
    },
    { password: true },
  );
});
