import { describe, expect, it } from 'vitest';
import { specJson } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

describe.skipIf(whyNoExtensions() !== undefined)('a lake', () => {
  describePostgres('with its catalog in Postgres', (postgres) => {
    it('has what a batch fails in its ledger, windows included', async () => {
      const expectations = [
        { name: 'positive', column: 'amount', range: { min: '0' }, action: 'quarantine' },
        { name: 'known', column: 'status', values: ['paid'] },
        { name: 'once', column: 'status', unique: { per: 'minute' } },
      ];
      const text = JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), expectations });
      const catalog = `postgres:${await postgres().createDatabase()}`;
      const options = { ...lakeOptions(temporaryDirectory(), catalog), spec: parseSpec(text, 'of the test') };
      const sink = await openLakeSink(options);
      const [{ epoch }] = await sink.claim([0, 1]);
      const values = [-1, 2, 3].map((amount, n) => order(token(n), { amount, status: 'odd' }));
      await sink.stage(await makeLakeBatch(options, 0, 0, values, { epoch }));
      await sink.stage(await makeLakeBatch(options, 1, 0, [order(token(9))], { epoch }));
      expect((await sink.commit()).failedExpectations?.map(({ name, failed }) => [name, failed])).toEqual([
        ['positive', 1],
        ['known', 2],
        ['once', 1],
      ]);
      const ledger = 'SELECT partition_id, failed_expectations::VARCHAR FROM sluice.batches ORDER BY 1';
      expect(await select(sink, ledger)).toEqual([
        [0, "{'expectation:positive'=1, known=2, once=1}"],
        [1, null],
      ]);
    });
  });
});
