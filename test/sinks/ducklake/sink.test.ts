import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, vi } from 'vitest';
import { DuckLakeSink } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { failAt } from '../../support/failing-statement.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import type { Postgres } from '../../support/postgres-server.js';

const GONE = new Error('INTERNAL Error: gone');

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
        // A sequence above those of a signed integer.
        await batch(1, 3, [`82${'F'.repeat(16)}`]);
        expect(await sink.commit()).toMatchObject({ stats: { merged: 1 } });
        expect(
          await select(sink, 'SELECT kafka_partition, kafka_offset, change_id FROM cdc_orders ORDER BY 1, 2'),
        ).toEqual([
          [0, 0n, 'a'],
          [0, 1n, token(7)],
          [0, 2n, 'b'],
          [0, 7n, token(3)],
          [0, 8n, token(9)],
          [1, 2n, 'c'],
          [1, 3n, `82${'F'.repeat(16)}`],
        ]);
      });

      it('makes a commit anew that another one overtook, also of files of which no row stays', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const sink = await openLakeSink(options);
        const [{ epoch }] = await sink.claim([0, 1]);
        const batch = (partition: number, start: number, values: string[]) =>
          makeLakeBatch(options, partition, start, values, { epoch });
        await sink.stage(await batch(0, 0, [order(token(1)), order(token(2))]));
        await sink.commit();
        const [some, none] = [
          await batch(0, 2, [order(token(2)), order(token(3))]),
          await batch(1, 0, [order(token(1))]),
        ];
        for (const each of [some, none]) await sink.stage(each);
        failAt(/^COMMIT$/, new Error('Transaction conflict'));
        expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 2 } });
        expect([existsSync(some.file!.path), existsSync(none.file!.path)]).toEqual([true, false]);
        expect(await select(sink, 'SELECT kafka_partition, kafka_offset FROM cdc_orders ORDER BY ALL')).toEqual([
          [0, 0n],
          [0, 1n],
          [0, 3n],
        ]);
        expect(
          await select(sink, 'SELECT partition_id, next_offset, rows_duplicate FROM sluice.batches ORDER BY ALL'),
        ).toEqual([
          [0, 2n, 0n],
          [0, 4n, 1n],
          [1, 1n, 1n],
        ]);
      });

      it('writes many quarantined messages to a file, which is of the commit', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const sink = await openLakeSink(options);
        const [{ epoch }] = await sink.claim([0, 1]);
        const few = await makeLakeBatch(options, 0, 0, ['{bad', order(token(1))], { epoch });
        await sink.stage(few);
        await sink.commit();
        // Bytes that are no text, and messages without a key and a time.
        const raw = Uint8Array.of(0xff, 0x00, 0x27, 0x5c);
        const without = { key: null, timestamp: -1, position: -1, column: 'order_id' };
        const many = await makeLakeBatch(options, 1, 0, Array(200).fill('{bad'), { epoch });
        const quarantined = many.quarantined.map((message, n) =>
          n < 199 ? message : { ...message, ...without, value: raw },
        );
        await sink.stage(await makeLakeBatch(options, 0, 2, [order(token(2))], { epoch }));
        await sink.stage({ ...many, quarantined });
        expect(await sink.commit()).toMatchObject({ stats: { merged: 1, quarantined: 200 } });
        const file = `cdc_orders/quarantine/p1/${epoch}-00000000000000000000-00000000000000000200.parquet`;
        expect(
          await select(sink, `SELECT data_file FROM ducklake_list_files('lake', 'quarantine', schema => 'sluice')`),
        ).toEqual([[join(options.dataPath, file)]]);
        expect(
          await select(
            sink,
            `SELECT partition_id, count(*)::INTEGER, min(message_offset), max(message_offset),
               count(*) FILTER (topic = 'cdc_orders' AND key = 'k'::BLOB AND value = '{bad'::BLOB
                 AND reason = 'malformed' AND byte_position = 1 AND column_name IS NULL
                 AND epoch_ms(kafka_timestamp) = 1_700_000_000_000)::INTEGER
             FROM sluice.quarantine GROUP BY 1 ORDER BY 1`,
          ),
        ).toEqual([
          [0, 1, 0n, 0n, 1],
          [1, 200, 0n, 199n, 199],
        ]);
        expect(
          await select(
            sink,
            `SELECT hex(value), key, kafka_timestamp, byte_position, column_name FROM sluice.quarantine
             WHERE message_offset = 199`,
          ),
        ).toEqual([['FF00275C', null, null, null, 'order_id']]);
      });

      it('removes a file of quarantined messages whose commit was not finished', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const first = await openLakeSink(options);
        const [{ epoch }] = await first.claim([0, 1]);
        const batch = (start: number) => makeLakeBatch(options, 0, start, Array(101).fill('{bad'), { epoch });
        await first.stage(await batch(0));
        await first.commit();
        await first.stage(await batch(101));
        failAt(/^INSERT INTO sluice\.batches/, GONE);
        await expect(first.commit()).rejects.toMatchObject({ code: 'SLUICE_LAKE' });
        await first.close();
        const folder = join(options.dataPath, 'cdc_orders', 'quarantine', 'p0');
        expect(readdirSync(folder)).toHaveLength(2);
        const second = await openLakeSink(options);
        expect(readdirSync(folder)).toEqual([`${epoch}-00000000000000000000-00000000000000000101.parquet`]);
        const [{ epoch: next, nextOffset }] = await second.claim([0]);
        expect(nextOffset).toBe(101);
        const again = Array(101).fill('{bad');
        await second.stage(await makeLakeBatch(options, 0, 101, again, { epoch: next }));
        await second.commit();
        const offsets = 'SELECT count(*), count(DISTINCT message_offset), max(message_offset) FROM sluice.quarantine';
        expect(await select(second, offsets)).toEqual([[202n, 202n, 201n]]);
      });

      it.runIf(where === 'Postgres')('removes later what a claim could not remove, and says so once', async () => {
        const options = lakeOptions(temporaryDirectory(), await makeCatalog(postgres(), where));
        const sink = await openLakeSink(options);
        const [{ epoch }] = await sink.claim([0]);
        const orphan = (await makeLakeBatch(options, 0, 0, [order('a')], { epoch })).file!;
        failAt(/ducklake_files_scheduled_for_deletion/, GONE);
        await sink.claim([0]);
        expect((await sink.compact()).left).toEqual([expect.stringMatching(/not finished stay for now.*: .*gone/)]);
        failAt(/ducklake_files_scheduled_for_deletion/, GONE);
        expect((await sink.compact(true)).left).toEqual([]);
        // Not at each commit.
        expect((await sink.compact()).left).toEqual([]);
        expect(existsSync(orphan.path)).toBe(true);
        const connect = vi.spyOn(DuckDBInstance.prototype, 'connect').mockRejectedValueOnce(new Error('no connection'));
        expect(await sink.claim([0])).toMatchObject([{ partition: 0, nextOffset: 0 }]);
        connect.mockRestore();
        expect((await sink.compact()).left).toEqual([expect.stringContaining('no connection')]);
        expect(existsSync(orphan.path)).toBe(true);
        expect(await sink.compact(true)).toMatchObject({
          left: [],
          removed: [{ file: expect.stringContaining('/p0/'), why: 'a commit that was not finished' }],
        });
        expect(existsSync(orphan.path)).toBe(false);
        expect((await sink.compact()).removed).toEqual([]);
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
          expect(await second.claim([0])).toMatchObject([{ partition: 0, nextOffset: 2 }]);
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

/** Fails the next statement that is one of these, as if its process were gone. */
async function makeCatalog(postgres: Postgres, where: 'a file' | 'Postgres'): Promise<string | undefined> {
  return where === 'a file' ? undefined : `postgres:${await postgres.createDatabase()}`;
}
