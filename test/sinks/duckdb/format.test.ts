/** Data directories that earlier versions made: fixtures/format-N has one, and the messages it was made from. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { queryFile, runEnv, runUntilEnd } from '../../e2e/support.js';
import { sinkOptions, temporaryDirectory } from '../../support/batches.js';
import { runCli } from '../../support/cli.js';
import { describeKafka } from '../../support/kafka/shared.js';
import { createTopic, produce } from '../../support/produce.js';
import { recovered, verified } from '../../support/recovering.js';

const FIXTURE = fileURLToPath(new URL('../../../fixtures/format-1/', import.meta.url));
const TOPIC = 'format_1';
const TABLE = "SELECT COLUMNS(c -> c <> 'order_id_type') FROM cdc_orders ORDER BY kafka_partition, kafka_offset";

/** A copy of the directory. */
function unpacked(): string {
  const folder = temporaryDirectory();
  execFileSync('tar', ['xzf', join(FIXTURE, 'data.tar.gz'), '-C', folder]);
  return join(folder, 'data');
}

/** Opens it as `run` does, and closes it. */
async function open(dataDir: string) {
  const sink = new DuckDbSink({ ...sinkOptions(dataDir), topic: TOPIC });
  try {
    const state = await sink.open();
    return { ...state, positions: await sink.claim([0, 1]) };
  } finally {
    await sink.close();
  }
}

async function change(dataDir: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

describe('a data directory of format 1', () => {
  it('verifies as it is, except for what it does not know', async () => {
    const dataDir = unpacked();
    const { code, stdout } = await runCli(['verify', '--no-kafka'], { env: { DATA_DIR: dataDir } });
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^skip {2}each partition begins .*: the data directory has format 1, "sluice run" brings/m);
    expect(stdout).toMatch(/everything agrees\n$/);
  });

  it('is brought up to date, with every row as it was', async () => {
    const dataDir = unpacked();
    const before = await queryFile(dataDir, TABLE);
    expect(await open(dataDir)).toMatchObject({ positions: [{ nextOffset: 27 }, { nextOffset: 27 }], removed: [] });
    expect(await verified(dataDir)).toEqual({
      problems: [],
      notes: ['began for a reason that was not recorded: partition 0 at 0, partition 1 at 0'],
    });
    expect(await queryFile(dataDir, TABLE)).toEqual(before);
    expect(await queryFile(dataDir, 'SELECT format_version, created_format FROM sluice.meta')).toEqual([[2, 1]]);
  });

  it('is refused with every file kept when its database lost commits', async () => {
    const dataDir = unpacked();
    await change(
      dataDir,
      `DELETE FROM sluice.batches WHERE start_offset >= 22; DELETE FROM cdc_orders WHERE kafka_offset >= 22;
       DELETE FROM sluice.quarantine WHERE message_offset >= 22; UPDATE sluice.positions SET next_offset = 22`,
    );
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'SLUICE_UNEXPLAINED_FILES' });
  });

  it('is recovered from its Parquet files, with and without its database', async () => {
    const before = await queryFile(unpacked(), TABLE);
    for (const lose of [
      () => {},
      (dataDir: string) => copyFileSync(join(FIXTURE, 'data.tar.gz'), join(dataDir, 'analytics.db')),
    ]) {
      const dataDir = unpacked();
      lose(dataDir);
      const { text } = await recovered(dataDir, 'fromParquet', { KAFKA_TOPIC: TOPIC });
      expect(text).toMatch(/0+-0+17\.parquet does not say how many messages/);
      // Those that tell it by status: a status that there was not then is not missed.
      expect(text).not.toMatch(/0+22-0+27\.parquet does not say how many messages/);
      expect((await verified(dataDir)).problems).toEqual([]);
      expect(await queryFile(dataDir, TABLE)).toEqual(before);
      expect(await queryFile(dataDir, 'SELECT format_version, created_format FROM sluice.meta')).toEqual([[2, 1]]);
      expect(await open(dataDir)).toMatchObject({ positions: [{ nextOffset: 27 }, { nextOffset: 27 }], removed: [] });
    }
  });
});

describeKafka('a data directory of format 1 and its topic', (bootstrap) => {
  it('continues after the messages that it has', async () => {
    const dataDir = unpacked();
    const messages = readFileSync(join(FIXTURE, 'messages.ndjson'), 'utf8').trim().split('\n');
    await createTopic(bootstrap(), TOPIC, 2);
    await produce(
      bootstrap(),
      TOPIC,
      messages.map((line) => JSON.parse(line)),
    );
    const more = { change_id: '826A00FF010000000100000001', operation: 'insert', order_id: '999' };
    await produce(bootstrap(), TOPIC, [{ partition: 1, key: '999', value: JSON.stringify(more) }]);
    const env = runEnv(bootstrap(), TOPIC, dataDir);
    expect(await runUntilEnd(env)).toMatchObject({ events: 1, merged: 1 });
    const { code, stdout } = await runCli(['verify'], { env });
    expect(code, stdout).toBe(0);
    expect(stdout).not.toMatch(/skip|unread/);
  });
});

it('a directory gets the column of a counter that was added since, 0 for the batches before', async () => {
  const dataDir = unpacked();
  await open(dataDir);
  await change(dataDir, 'ALTER TABLE sluice.batches DROP COLUMN rows_late');
  await open(dataDir);
  expect(await queryFile(dataDir, 'SELECT DISTINCT rows_late FROM sluice.batches')).toEqual([[0n]]);
});
