import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DuckLakeSink } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres, type Postgres } from '../../support/postgres.js';

describe.skipIf(whyNoExtensions() !== undefined)('DuckLakeSink', () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('and its catalog in %s', (where) => {
      it('commits rows, quarantine, ledger and positions together', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const sink = await openLakeSink(options);
        const [{ epoch }] = await sink.claim([0, 1]);
        const values = [
          order(token(1), { amount: '-12.5', event_time: '1969-12-31T23:59:59.5Z' }),
          '{bad',
          null,
          order(token(2)),
        ];
        await sink.stage(await makeLakeBatch(options, 0, 0, values, { epoch, nextOffset: 6 }));
        await sink.stage(await makeLakeBatch(options, 1, 0, ['[]'], { epoch }));
        const receipt = await sink.commit();
        expect(receipt).toMatchObject({ stats: { merged: 2, duplicate: 0, quarantined: 2 } });
        expect(receipt.positions).toEqual([
          { partition: 0, nextOffset: 6, watermark: -500_000n, epoch },
          { partition: 1, nextOffset: 1, watermark: undefined, epoch },
        ]);
        expect(
          await select(sink, 'SELECT change_id, amount::VARCHAR, epoch_us(event_time), kafka_offset FROM cdc_orders'),
        ).toEqual([
          [token(1), '-12.5000', -500_000n, 0n],
          [token(2), null, null, 3n],
        ]);
        const file = `cdc_orders/p0/${epoch}-00000000000000000000-00000000000000000006.parquet`;
        expect(
          await select(
            sink,
            `SELECT partition_id, start_offset, next_offset, file, rows_consumed, rows_merged, rows_duplicate,
             rows_quarantined, rows_tombstone FROM sluice.batches ORDER BY 1`,
          ),
        ).toEqual([
          [0, 0n, 6n, file, 4n, 2n, 0n, 1n, 1n],
          [1, 0n, 1n, null, 1n, 0n, 0n, 1n, 0n],
        ]);
        expect(
          await select(
            sink,
            `SELECT partition_id, message_offset, decode(key), decode(value), reason, byte_position
             FROM sluice.quarantine ORDER BY 1`,
          ),
        ).toEqual([
          [0, 1n, 'k', '{bad', 'malformed', 1n],
          [1, 0n, 'k', '[]', 'not_object', 0n],
        ]);
        expect(await select(sink, 'SELECT order_id FROM orders ORDER BY 1')).toEqual([
          [`o-${token(1)}`],
          [`o-${token(2)}`],
        ]);
      });

      it('keeps of each change id the lowest coordinates of a group, and the first of all groups', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const sink = await openLakeSink(options);
        const [{ epoch }] = await sink.claim([0, 1]);
        const batch = async (partition: number, start: number, ids: string[]) => {
          await sink.stage(
            await makeLakeBatch(
              options,
              partition,
              start,
              ids.map((id) => order(id)),
              { epoch },
            ),
          );
        };
        await batch(1, 0, ['a']);
        await batch(0, 0, ['a', token(7), 'b', 'a', token(7)]);
        expect(await sink.commit()).toMatchObject({ stats: { merged: 3, duplicate: 3 } });
        await batch(0, 5, [token(7), 'b', token(3), token(9)]);
        await batch(1, 1, [token(9), 'c']);
        expect(await sink.commit()).toMatchObject({ stats: { merged: 3, duplicate: 3 } });
        expect(
          await select(sink, 'SELECT kafka_partition, kafka_offset, change_id FROM cdc_orders ORDER BY 1, 2'),
        ).toEqual([
          [0, 0n, 'a'],
          [0, 1n, token(7)],
          [0, 2n, 'b'],
          [0, 7n, token(3)],
          [0, 8n, token(9)],
          [1, 2n, 'c'],
        ]);
      });

      it('refuses a new catalog for files of another one, and removes nothing', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const first = await openLakeSink(options);
        const [{ epoch }] = await first.claim([0, 1]);
        await first.stage(await makeLakeBatch(options, 0, 0, [order(token(1))], { epoch }));
        await first.commit();
        await first.close();
        const another = (await makeCatalog(postgres(), where)) ?? join(options.dataDir, 'another.ducklake');
        const sink = new DuckLakeSink({ ...options, catalog: another });
        await expect(sink.open()).rejects.toMatchObject({ code: 'SLUICE_UNEXPLAINED_FILES' });
        expect(readdirSync(join(options.dataPath, 'cdc_orders', 'p0'))).toHaveLength(1);
      });

      it('resumes where it was, and removes what was not committed', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const first = await openLakeSink(options);
        const [{ epoch }] = await first.claim([0, 1]);
        await first.stage(await makeLakeBatch(options, 0, 0, [order(token(1)), order(token(2))], { epoch }));
        await first.commit();
        await makeLakeBatch(options, 0, 2, [order(token(3))], { epoch });
        await first.close();
        const folder = join(options.dataPath, 'cdc_orders', 'p0');
        writeFileSync(join(folder, 'of-someone-else.parquet'), '');
        const second = new DuckLakeSink(options);
        const { removed } = await second.open();
        const orphan = `cdc_orders/p0/${epoch}-00000000000000000002-00000000000000000003.parquet`;
        if (options.catalog.startsWith('postgres:')) {
          // It could still be committed by the process that wrote it, until someone claims the partition.
          expect(removed).toEqual([]);
          await second.claim([0, 1]);
          await second.close();
          const third = await openLakeSink(options);
          expect(await third.claim([0])).toMatchObject([{ partition: 0, nextOffset: 2 }]);
        } else {
          expect(removed).toMatchObject([{ file: orphan }]);
          expect(await second.claim([0])).toEqual([{ partition: 0, nextOffset: 2, epoch }]);
          await second.close();
        }
        expect(readdirSync(folder).sort()).toEqual([
          `${epoch}-00000000000000000000-00000000000000000002.parquet`,
          'of-someone-else.parquet',
        ]);
      });
    });
  });
});

async function makeCatalog(postgres: Postgres, where: 'a file' | 'Postgres'): Promise<string | undefined> {
  return where === 'a file' ? undefined : `postgres:${await postgres.createDatabase()}`;
}
