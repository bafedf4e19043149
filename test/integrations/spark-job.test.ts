/** Spark's job as `npm run spark` starts it, into Iceberg: what `sluice run` makes of the topic. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parquetGlob, queryFile, runEnv, runUntilEnd } from '../e2e/support.js';
import { temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { INSTALL_TIMEOUT_MS, pythonWith, runPython, whyNoSpark } from '../support/python.js';

const execFileAsync = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../scripts/spark.mjs', import.meta.url));
const EVENTS = 20_000;
const LONG = { timeout: 600_000 };
const TOTALS = `count(*)::INTEGER, count(DISTINCT change_id)::INTEGER, sum(amount)::VARCHAR, count(event_time)::INT`;

const obstacle = whyNoSpark();
const describeSpark = obstacle === undefined ? describeKafka : () => undefined;

describeSpark("Spark's job", (bootstrap) => {
  const topic = uniqueTopic('spark-job');
  let dataDir: string;
  let quarantined: unknown;

  beforeAll(async () => {
    await createTopic(bootstrap(), topic, 3);
    await produce(bootstrap(), topic, orderEvents({ count: EVENTS, seed: 5 }));
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-data-'));
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  const totals = async (from: string) => (await queryFile(dataDir, `SELECT ${TOTALS} FROM ${from}`))[0];

  async function job(out: string, env: Record<string, string>): Promise<void> {
    const all = { ...process.env, KAFKA_BROKERS: bootstrap(), KAFKA_TOPIC: topic, DATA_DIR: out, COMMIT_ROWS: '7000' };
    const local = { SPARK_MASTER: 'local[2]', SPARK_LOCAL_IP: '127.0.0.1' };
    const options = { env: { ...all, ...local, ...env }, maxBuffer: 64 << 20 };
    // What Python says of a failure, spark-submit prints to stdout.
    await execFileAsync(process.execPath, [SCRIPT, '--until-end'], options).catch(({ message, stdout }) => {
      throw new Error(`${message}\n${stdout.slice(-3000)}`);
    });
  }

  it('has a topic that a run has read', LONG, async () => {
    await runUntilEnd(runEnv(bootstrap(), topic, dataDir));
    [[quarantined]] = await queryFile(dataDir, 'SELECT count(*)::INTEGER FROM sluice.quarantine');
  });

  it('into Iceberg, and again from its checkpoint', LONG, async () => {
    const out = await temporaryDataDir();
    const env = { TABLE_FORMAT: 'iceberg' };
    await job(out, env);
    await job(out, env);
    const [rows, changes, amounts, times] = await totals(parquetGlob(dataDir));
    const python = await pythonWith('requirements-spark-kernel.txt');
    const found = await runPython(python, 'read_iceberg.py', [path.join(out, 'warehouse'), 'lake.sluice.orders']);
    expect(found).toEqual({ rows, changes, amounts, times, quarantined, counted: rows });
  });
});
