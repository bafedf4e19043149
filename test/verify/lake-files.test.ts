import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { literal } from '../../src/core/sql.js';
import { METADATA } from '../../src/sinks/ducklake/lake.js';
import type { DuckLakeSinkOptions } from '../../src/sinks/ducklake/sink.js';
import type { CheckResult } from '../../src/verify/check.js';
import { checks } from '../../src/verify/checks.js';
import { readScope } from '../../src/verify/ledger.js';
import { order, temporaryDirectory, token } from '../support/batches.js';
import { whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink, readLake } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';

let options: DuckLakeSinkOptions;
let epoch: number;

/** Two commits of partition 0, with a duplicate, quarantine and a tombstone; one of partition 1. */
async function writeLake(): Promise<void> {
  const sink = await openLakeSink(options);
  epoch = (await sink.claim([0, 1]))[0].epoch ?? 0;
  const values = [order(token(1), { amount: 5 }), order(token(2)), '{', null];
  await sink.stage(await makeLakeBatch(options, 0, 0, values, { epoch }));
  await sink.commit();
  const more = [order(token(2)), order(token(3))];
  await sink.stage(await makeLakeBatch(options, 0, 4, more, { epoch, nextOffset: 8 }));
  await sink.stage(await makeLakeBatch(options, 1, 0, [order('x')], { epoch }));
  await sink.commit();
  await sink.close();
}

async function results(): Promise<CheckResult[]> {
  const client = await readLake(options);
  try {
    const found: CheckResult[] = [];
    for await (const result of checks(client, await readScope(client, options.dataDir))) found.push(result);
    return found;
  } finally {
    client.close();
  }
}

async function problems(): Promise<string[]> {
  return (await results()).flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
}

function firstFile(): string {
  return join(options.dataPath, 'cdc_orders', 'p0', `${epoch}-00000000000000000000-00000000000000000004.parquet`);
}

describe.skipIf(whyNoExtensions() !== undefined)('the checks of a lake', () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('with its catalog in %s', (where) => {
      beforeEach(async () => {
        const catalog = where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`;
        options = lakeOptions(temporaryDirectory(), catalog);
        await writeLake();
      });

      it('find nothing wrong with what commits write', async () => {
        const found = await results();
        expect(found.flatMap(({ problems }) => problems)).toEqual([]);
        expect(found.map(({ name }) => name)).toEqual(
          expect.arrayContaining([
            'change_id is unique in cdc_orders',
            'all files of the lake are there, in full',
            'cdc_orders has the rows of each batch at its offsets',
          ]),
        );
      });

      it('find a row that is gone', async () => {
        await onLake(options, 'DELETE FROM cdc_orders WHERE kafka_partition = 0 AND kafka_offset = 1');
        expect(await problems()).toEqual([
          expect.stringMatching(/the rows that the ledger counts as merged: partition 0: 2 rows, the ledger says 3/),
          expect.stringMatching(/at its offsets: partition 0, offsets 0 to 4: 1 rows, the ledger says 2/),
        ]);
      });

      it('find a row at the wrong place, and one of no batch', async () => {
        await onLake(options, 'UPDATE cdc_orders SET kafka_offset = 6 WHERE kafka_partition = 0 AND kafka_offset = 1');
        expect(await problems()).toEqual([
          expect.stringMatching(/offsets 0 to 4: 1 rows, the ledger says 2/),
          expect.stringMatching(/offsets 4 to 8: 2 rows, the ledger says 1/),
        ]);
        await onLake(options, 'UPDATE cdc_orders SET kafka_offset = 9 WHERE kafka_partition = 0 AND kafka_offset = 6');
        expect(await problems()).toContainEqual(
          expect.stringMatching(/at its offsets: partition 0: 1 rows of no batch, the first at offset 9/),
        );
      });

      it('find a change that is there twice', async () => {
        await onLake(options, 'INSERT INTO cdc_orders FROM cdc_orders WHERE kafka_partition = 1');
        expect(await problems()).toContain('change_id is unique in cdc_orders: x is there 2 times');
      });

      it('find a file that is cut short, and one that is gone', async () => {
        truncateSync(firstFile(), 100);
        expect(await problems()).toContainEqual(
          expect.stringMatching(/^all files of the lake are there.*0004\.parquet has 100 bytes, the catalog says \d+$/),
        );
        rmSync(firstFile());
        expect(await problems()).toContainEqual(`all files of the lake are there, in full: ${firstFile()} is missing`);
      });

      it('find a file with other rows than the catalog counts', async () => {
        await onLake(
          options,
          `UPDATE ${METADATA}.ducklake_data_file SET record_count = 7 WHERE path = ${literal(firstFile())}`,
        );
        expect(await problems()).toContain(
          `each file has the rows that the catalog counts: ${firstFile()} has 2 rows, the catalog says 7`,
        );
      });

      it('find a ledger row that was changed', async () => {
        await onLake(options, 'UPDATE sluice.batches SET next_offset = 3 WHERE partition_id = 0 AND start_offset = 0');
        expect(await problems()).toContainEqual(expect.stringMatching(/^the ranges of each partition are contiguous/));
        await onLake(options, 'DELETE FROM sluice.batches WHERE partition_id = 1');
        expect(await problems()).toContainEqual(expect.stringMatching(/partition 1: 1 rows of no batch/));
      });

      it('note files that nobody registered', { timeout: 120_000 }, async () => {
        await makeLakeBatch(options, 0, 8, [order('z')], { epoch });
        const folder = join(options.dataPath, 'main', 'cdc_orders');
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'ducklake-01a2253c-a47c-7e98-9a3d-66a88c0b2bf9-delete.parquet'), '');
        writeFileSync(join(options.dataPath, 'cdc_orders', 'of-someone-else.parquet'), '');
        const notes = async () => (await results()).at(-1)?.notes;
        expect(await problems()).toEqual([]);
        const ofDuckLake = expect.stringMatching(/^1 file of DuckLake not in the catalog/);
        const name = `${epoch}-00000000000000000008-00000000000000000009.parquet`;
        const path = join(options.dataPath, 'cdc_orders', 'p0', name);
        const removed = `the next start removes ${path}: a commit that was not finished`;
        if (where === 'a file') {
          expect(await notes()).toEqual([removed, ofDuckLake]);
        } else {
          expect(await notes()).toEqual(['1 file of commits that are under way, or were not finished', ofDuckLake]);
          const sink = await openLakeSink(options);
          await sink.close();
          expect(await notes()).toEqual([ofDuckLake]);
          // Its old owner does not know yet that it was replaced.
          await makeLakeBatch(options, 0, 8, [order('z')], { epoch });
          expect(await notes()).toEqual([removed, ofDuckLake]);
        }
      });

      it.runIf(where === 'Postgres')('find an owner who is not where the ledger ends', async () => {
        await postgres().query(
          options.catalog.slice('postgres:'.length),
          'UPDATE sluice.owners SET next_offset = 3 WHERE partition_id = 0',
        );
        expect(await problems()).toEqual([
          'the owners of partitions are where the ledger ends: partition 0: its owner is at 3, the ledger at 8',
        ]);
      });
    });
  });
});
