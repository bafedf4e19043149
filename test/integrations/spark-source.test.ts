/**
 * Spark's data source on a cluster of processes, with an executor and the driver killed: every row, column by column,
 * and the quarantine are those of `sluice run`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parquetGlob, runEnv, runUntilEnd } from '../e2e/support.js';
import { type Checksums, checksums, QUARANTINE_OF_RUN, quarantineOf } from '../support/checksums.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, TestProducer } from '../support/produce.js';
import { INSTALL_TIMEOUT_MS, pythonWith, whyNoSpark } from '../support/python.js';
import { runScript } from '../support/python-kernel.js';

const EVENTS = 300_000;
const PARTITIONS = 10;
const LONG = { timeout: 600_000 };
/** More than the input region of the kernel takes. */
const LARGE_BYTES = 2 << 20;

const obstacle = whyNoSpark();
if (obstacle !== undefined) console.warn(`the data source on a cluster of Spark is not tested: ${obstacle}`);
const describeSpark = obstacle === undefined ? describeKafka : () => undefined;

describeSpark(`${EVENTS} events of every kind, by Spark's data source`, (bootstrap) => {
  const topic = uniqueTopic('spark-source');
  let python: string;
  let bundle: string;
  let dataDir: string;
  let wanted: Checksums;

  beforeAll(async () => {
    python = await pythonWith('requirements-spark-kernel.txt');
    await createTopic(bootstrap(), topic, PARTITIONS);
    await fill(bootstrap(), topic);
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-data-'));
    bundle = path.join(dataDir, 'bundle');
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  const stream = (out: string, mode: string, lose: string) =>
    runScript(python, 'spark_source.py', [bootstrap(), topic, bundle, out, mode, lose]);

  it('is read by a run', LONG, async () => {
    await runUntilEnd(runEnv(bootstrap(), topic, dataDir));
    wanted = await checksums(dataDir, parquetGlob(dataDir), QUARANTINE_OF_RUN);
    await runCli(['kernel', 'export', '--out', bundle]);
  });

  it('into files, with an executor killed, and the driver', LONG, async () => {
    const out = await temporaryDataDir();
    await expect(stream(out, 'files', 'driver')).rejects.toMatchObject({ signal: 'SIGKILL' });
    const { batches, killed } = (await stream(out, 'files', 'executor')) as { batches: number; killed: number };
    expect([batches > 1, killed]).toEqual([true, 1]);
    const files = `read_parquet('${out}/orders/*.parquet')`;
    const found = await checksums(dataDir, files, quarantineOf(`${out}/orders/_quarantine/*.parquet`));
    console.log(`sluice run: ${JSON.stringify(wanted)}\nSpark:      ${JSON.stringify(found)}`);
    expect(found).toEqual(wanted);
  });

  it('into rows', LONG, async () => {
    const out = await temporaryDataDir();
    await stream(out, 'rows', 'nothing');
    const files = `read_parquet('${out}/orders/*/*.parquet')`;
    expect(await checksums(dataDir, files, quarantineOf(`${out}/quarantine/*/*.parquet`))).toEqual(wanted);
  });
});

/** A third plainly, the rest in a transaction; after it one that is aborted, a large message, and one more. */
async function fill(bootstrap: string, topic: string): Promise<void> {
  const events = [...orderEvents({ count: EVENTS, seed: 11 })];
  const plain = await TestProducer.connect(bootstrap);
  await plain.send(topic, events.slice(0, EVENTS / 3));
  const transactional = await TestProducer.connect(bootstrap, { transactionalId: topic });
  await transactional.begin();
  await transactional.send(topic, events.slice(EVENTS / 3));
  await transactional.commit();
  await transactional.begin();
  await transactional.send(topic, [...orderEvents({ count: 1000, seed: 12 })]);
  await transactional.abort();
  const large = { change_id: 'large', order_id: 'large', note: 'é'.repeat(LARGE_BYTES / 2) };
  await plain.send(topic, [{ key: 'large', value: JSON.stringify(large), timestamp: 1 }]);
  await Promise.all([plain.close(), transactional.close()]);
}
