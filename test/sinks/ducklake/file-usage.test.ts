/** What the catalog says of files and their age is what is there. */
import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { lakeFileUsage } from '../../../src/sinks/ducklake/file-usage.js';
import { METADATA } from '../../../src/sinks/ducklake/lake.js';
import type { DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { order, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink } from '../../support/lakes.js';

const DAY_MS = 86_400_000;

async function usage(options: DuckLakeSinkOptions, keepSnapshotsMs = 0): Promise<unknown[][]> {
  const sql = `SELECT age, files::INTEGER, bytes::INTEGER FROM (${lakeFileUsage(keepSnapshotsMs)}) ORDER BY age`;
  return await onLake(options, sql);
}

/** `[files, bytes]` of those whose path has this. */
function onDisk({ dataPath }: DuckLakeSinkOptions, text: string): number[] {
  const files = listFiles(dataPath).filter((path) => path.includes(text));
  return [files.length, files.reduce((sum, path) => sum + statSync(path).size, 0)];
}

it.skipIf(whyNoExtensions() !== undefined)('files of a lake are as old as their names or snapshots', async () => {
  const options = lakeOptions(temporaryDirectory());
  const sink = await openLakeSink(options);
  const [{ epoch = 0 }] = await sink.claim([0]);
  for (const first of [0, 2, 4]) {
    const values = [order(token(first)), order(token(0))];
    await sink.stage(await makeLakeBatch(options, 0, first, values, { epoch }));
    await sink.commit();
  }
  await sink.close();
  const [ofWorkers, named] = [onDisk(options, '/p0/'), onDisk(options, '/ducklake-')];
  expect([ofWorkers[0], named[0]]).toEqual([3, 3]);
  const all = [0, 1].map((at) => ofWorkers[at] + named[at]);
  expect(await usage(options)).toEqual([['1h', ...all]]);

  await onLake(options, `UPDATE ${METADATA}.ducklake_snapshot SET snapshot_time = snapshot_time - INTERVAL 2 DAY`);
  const byAge = [
    ['1h', ...named],
    ['7d', ...ofWorkers],
  ];
  expect(await usage(options)).toEqual(byAge);

  await onLake(options, 'CREATE TABLE later (number INTEGER)');
  const snapshots = `${METADATA}.ducklake_snapshot`;
  await onLake(options, `DELETE FROM ${snapshots} WHERE snapshot_id < (SELECT max(snapshot_id) FROM ${snapshots})`);
  expect(await usage(options, 7 * DAY_MS - 1)).toEqual(byAge);
  expect(await usage(options, 7 * DAY_MS)).toEqual([byAge[0], ['older', ...ofWorkers]]);
});
