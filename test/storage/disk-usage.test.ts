import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DiskWatch } from '../../src/storage/disk-usage.js';
import { temporaryDirectory } from '../support/batches.js';

const HOUR_S = 3600;

/** A data directory with Parquet files of these ages in hours. */
function directory(ages: readonly number[]): { dataDir: string; database: string; files: string } {
  const dataDir = temporaryDirectory();
  const files = join(dataDir, 'parquet');
  mkdirSync(join(files, 'p0'), { recursive: true });
  for (const [index, age] of ages.entries()) addFile(files, index, age);
  const database = join(dataDir, 'analytics.db');
  writeFileSync(database, 'x'.repeat(5000));
  return { dataDir, database, files };
}

function addFile(files: string, index: number, age: number): void {
  const path = join(files, 'p0', `${index}.parquet`);
  writeFileSync(path, 'x'.repeat(100));
  const time = Date.now() / 1e3 - age * HOUR_S;
  utimesSync(path, time, time);
}

it('tells the sizes of files, and what is free', () => {
  const places = directory([]);
  expect(new DiskWatch(places).look()).toMatchObject({ databaseBytes: 5000, walBytes: 0 });
  writeFileSync(`${places.database}.wal`, 'x'.repeat(70));
  const { walBytes, freeBytes } = new DiskWatch(places).look();
  expect(walBytes).toBe(70);
  expect(freeBytes).toBeGreaterThan(0);
});

it('counts Parquet files by age beside other work, once a minute', async () => {
  const places = directory([0.5, 2, 3, 100, 1000]);
  writeFileSync(join(places.files, 'p0', '.7.parquet.tmp'), 'unfinished');
  const watch = new DiskWatch(places);
  expect(watch.look(1000).parquet).toBeUndefined();
  await watch.counted();
  const counted = [
    { age: '1h', files: 1, bytes: 100 },
    { age: '1d', files: 2, bytes: 200 },
    { age: '7d', files: 1, bytes: 100 },
    { age: 'older', files: 1, bytes: 100 },
  ];
  expect(watch.look(1000).parquet).toEqual(counted);
  addFile(places.files, 9, 0);
  watch.look(60_000);
  await watch.counted();
  expect(watch.look(60_000).parquet).toEqual(counted);
  watch.look(86_400_000);
  await watch.counted();
  expect(watch.look(86_400_000).parquet).toMatchObject([{ files: 2 }, {}, {}, {}]);
});

it('takes the counts of what knows the files', async () => {
  const parquet = [{ age: '1h', files: 3, bytes: 7 }] as const;
  const watch = new DiskWatch({ dataDir: '/nowhere', database: undefined, files: async () => parquet });
  watch.look();
  await watch.counted();
  expect(watch.look().parquet).toEqual(parquet);
});

it('says nothing of what is not there', async () => {
  const watch = new DiskWatch({ dataDir: '/nowhere', database: undefined, files: '/nowhere' });
  watch.look();
  await watch.counted();
  const unknown = { freeBytes: undefined, databaseBytes: undefined, walBytes: undefined, parquet: undefined };
  expect(watch.look()).toEqual(unknown);
});
