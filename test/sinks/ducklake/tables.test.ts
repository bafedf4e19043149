import { describe, expect, it } from 'vitest';
import { order, select, TOMBSTONES_SPEC, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';

describe.skipIf(whyNoExtensions() !== undefined)('a lake of before a column of the ledger was added', () => {
  it('gets it, and batches have their schema ids there', async () => {
    const options = lakeOptions(temporaryDirectory());
    const before = await openLakeSink(options);
    await before.stage(await makeLakeBatch(options, 0, 0, [order(token(1))], { epoch: 1 }));
    await before.commit();
    for (const column of ['schema_ids', 'failed_expectations']) {
      await select(before, `ALTER TABLE sluice.batches DROP COLUMN ${column}`);
    }
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

describe.skipIf(whyNoExtensions() !== undefined)('a lake whose quarantine refused messages without a value', () => {
  it('takes them in its catalog and in files, and tells them from empty ones', async () => {
    const spec = TOMBSTONES_SPEC;
    const options = { ...lakeOptions(temporaryDirectory()), spec };
    const before = await openLakeSink(options);
    await select(before, 'DROP TABLE sluice.quarantine');
    await select(
      before,
      `CREATE TABLE sluice.quarantine (
         topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, message_offset BIGINT NOT NULL, key BLOB,
         value BLOB NOT NULL, reason VARCHAR NOT NULL, byte_position BIGINT, kafka_timestamp TIMESTAMPTZ,
         column_name VARCHAR)`,
    );
    await before.close();
    const sink = await openLakeSink(options);
    const file = [...Array(100).fill(null), ...Array(100).fill('')];
    await sink.stage(await makeLakeBatch(options, 0, 0, [null, ''], { epoch: 2 }));
    await sink.commit();
    await sink.stage(await makeLakeBatch(options, 0, 2, file, { epoch: 2 }));
    await sink.commit();
    const values = 'SELECT decode(value), count(*) FROM sluice.quarantine GROUP BY ALL ORDER BY 1 NULLS FIRST';
    expect(await select(sink, values)).toEqual([
      [null, 101n],
      ['', 101n],
    ]);
    const files = `FROM ducklake_list_files('lake', 'quarantine', schema => 'sluice')`;
    expect(await select(sink, files)).toHaveLength(1);
    await sink.close();
  });
});
