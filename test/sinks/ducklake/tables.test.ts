import { describe, expect, it } from 'vitest';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';

describe.skipIf(whyNoExtensions() !== undefined)('a lake of before a column of the ledger was added', () => {
  it('gets it, and batches have their schema ids there', async () => {
    const options = lakeOptions(temporaryDirectory());
    const before = await openLakeSink(options);
    await before.stage(await makeLakeBatch(options, 0, 0, [order(token(1))], { epoch: 1 }));
    await before.commit();
    await select(before, 'ALTER TABLE sluice.batches DROP COLUMN schema_ids');
    await before.close();
    const sink = await openLakeSink(options);
    const batch = await makeLakeBatch(options, 0, 1, [order(token(2))], { epoch: 2 });
    await sink.stage({ ...batch, schemaIds: [7, 300] });
    await sink.commit();
    const ids =
      "SELECT array_to_string(schema_ids, ' ') FROM sluice.batches WHERE kind = 'consume' ORDER BY start_offset";
    expect(await select(sink, ids)).toEqual([[null], ['7 300']]);
  });
});
