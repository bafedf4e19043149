import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import {
  makeBatch,
  openSink,
  order,
  select,
  sinkOptions,
  TOMBSTONES_SPEC,
  TOPIC,
  temporaryDirectory,
  token,
} from '../../support/batches.js';

const topicFolder = (dataDir: string) => join(dataDir, 'parquet', TOPIC);
const rename = (dataDir: string, from: string, to: string) =>
  renameSync(join(topicFolder(dataDir), from), join(topicFolder(dataDir), to));

/** A directory as an older Sluice left it: a file in each of two folders `partition=<p>`, and the ledger names them. */
async function oldDirectory(): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  for (const partition of [0, 1]) {
    await sink.stage(await makeBatch(dataDir, partition, 0, [order(token(partition + 1))]));
    await sink.commit();
  }
  await select(sink, `UPDATE sluice.batches SET file = replace(file, 'sluice_partition=', 'partition=')`);
  await sink.close();
  for (const partition of [0, 1]) rename(dataDir, `sluice_partition=${partition}`, `partition=${partition}`);
  return dataDir;
}

/** Opens it, continues in it, and expects everything under the new names. */
async function expectUpgraded(dataDir: string): Promise<void> {
  const sink = new DuckDbSink(sinkOptions(dataDir));
  await sink.open();
  expect(await sink.claim([0, 1])).toMatchObject([{ nextOffset: 1 }, { nextOffset: 1 }]);
  await sink.stage(await makeBatch(dataDir, 0, 1, [order(token(3))]));
  await sink.commit();
  expect(readdirSync(topicFolder(dataDir)).sort()).toEqual(['sluice_partition=0', 'sluice_partition=1']);
  const files = await select(sink, 'SELECT file FROM sluice.batches ORDER BY partition_id, start_offset');
  expect(files.flat()).toEqual(
    [
      [0, 0],
      [0, 1],
      [1, 0],
    ].map(
      ([p, o]) => `parquet/${TOPIC}/sluice_partition=${p}/0000000000000000000${o}-0000000000000000000${o + 1}.parquet`,
    ),
  );
  for (const [file] of files) expect(existsSync(join(dataDir, String(file)))).toBe(true);
  await sink.close();
}

describe('a directory with folders of the old name', () => {
  it('is brought to the new ones, with nothing lost', async () => {
    await expectUpgraded(await oldDirectory());
  });

  it.each([
    ['the first rename', ['0']],
    ['all renames, before the ledger', ['0', '1']],
  ])('is healed when a start was killed after %s', async (_, renamed) => {
    const dataDir = await oldDirectory();
    for (const partition of renamed) rename(dataDir, `partition=${partition}`, `sluice_partition=${partition}`);
    await expectUpgraded(dataDir);
  });

  it('is refused, and nothing removed, when a folder of the new name has other files', async () => {
    const dataDir = await oldDirectory();
    const other = join(topicFolder(dataDir), 'sluice_partition=1');
    mkdirSync(other);
    writeFileSync(join(other, 'x.parquet'), '');
    await expect(new DuckDbSink(sinkOptions(dataDir)).open()).rejects.toMatchObject({
      code: 'SLUICE_DATA_DIR',
      message: expect.stringMatching(/sluice_partition=1/),
    });
    expect(readdirSync(other)).toEqual(['x.parquet']);
  });

  it('is told from other folders', async () => {
    const dataDir = await oldDirectory();
    mkdirSync(join(topicFolder(dataDir), 'partition=x'));
    const sink = new DuckDbSink(sinkOptions(dataDir));
    await sink.open();
    await sink.close();
    expect(readdirSync(topicFolder(dataDir))).toContain('partition=x');
  });
});

describe('a data directory whose quarantine refused messages without a value', () => {
  it('takes them, and tells them from empty ones', async () => {
    const dataDir = temporaryDirectory();
    const spec = TOMBSTONES_SPEC;
    const before = await openSink(dataDir, { spec });
    await select(before, 'ALTER TABLE sluice.quarantine ALTER COLUMN value SET NOT NULL');
    await before.close();
    const sink = await openSink(dataDir, { spec });
    await sink.stage(await makeBatch(dataDir, 0, 0, [null, ''], { spec }));
    await sink.commit();
    const values = 'SELECT reason, decode(key), decode(value) FROM sluice.quarantine ORDER BY message_offset';
    expect(await select(sink, values)).toEqual([
      ['malformed', 'k', null],
      ['malformed', 'k', ''],
    ]);
    await sink.close();
  });
});
