/** Spark's job as `npm run spark` starts it, with a micro-batch that is given twice: rows are those of `sluice run`. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parquetGlob, queryFile, runEnv, runUntilEnd } from '../e2e/support.js';
import { type Checksums, checksums, QUARANTINE_OF_RUN, quarantineOf } from '../support/checksums.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { INSTALL_TIMEOUT_MS, pythonWith, QUICK_JVM, runPython, whyNoSpark } from '../support/python.js';

const execFileAsync = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../scripts/spark.mjs', import.meta.url));
const EVENTS = 20_000;
const LONG = { timeout: 600_000 };
/** Longer than a test takes: no duplicate comes after it. */
const ONCE = { DEDUPLICATE_WITHIN: '1 day' };

const obstacle = whyNoSpark();
const describeSpark = obstacle === undefined ? describeKafka : () => undefined;

/** The number of the last micro-batch, of two or more. */
function lastOf(log: string): string {
  const batches = readdirSync(log).filter((name) => /^\d+$/.test(name));
  expect(batches.length).toBeGreaterThan(1);
  return String(batches.length - 1);
}

/** Changes a file of Hadoop's, which has its checksum beside it, or removes it. */
function change(file: string, to: ((text: string) => string) | undefined): void {
  rmSync(path.join(path.dirname(file), `.${path.basename(file)}.crc`), { force: true });
  if (to === undefined) rmSync(file);
  else writeFileSync(file, to(readFileSync(file, 'utf8')));
}

/** As compaction and `expire_snapshots` leave an Iceberg table: with a snapshot that is of no micro-batch. */
function forgetSnapshots(metadata: string): void {
  const version = readFileSync(path.join(metadata, 'version-hint.text'), 'utf8').trim();
  change(path.join(metadata, `v${version}.metadata.json`), (text) => {
    // JavaScript's numbers have not got all digits of a snapshot's id.
    const ids = text.replace(/(snapshot-id"\s*:\s*)(-?\d+)/g, '$1"$2"');
    const table = JSON.parse(ids);
    table.snapshots = table.snapshots.slice(-1);
    for (const name of ['sluice.query', 'sluice.batch']) delete table.snapshots[0].summary[name];
    return JSON.stringify(table).replace(/(snapshot-id":)"(-?\d+)"/g, '$1$2');
  });
}

describeSpark("Spark's job", (bootstrap) => {
  const topic = uniqueTopic('spark-job');
  const home = mkdtempSync(path.join(tmpdir(), 'sluice-data-'));
  const dataDir = path.join(home, 'run');
  const parquet = path.join(home, 'parquet');
  const tables = ['files', 'once'].map((name) => path.join(home, name));
  /** Of each of these: all changes, and each of them once. */
  let wanted: Checksums[];

  beforeAll(async () => {
    await createTopic(bootstrap(), topic, 3);
    await produce(bootstrap(), topic, orderEvents({ count: EVENTS, seed: 5 }));
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  async function job(out: string, env: Record<string, string>): Promise<void> {
    const all = { ...process.env, KAFKA_BROKERS: bootstrap(), KAFKA_TOPIC: topic, DATA_DIR: out, COMMIT_ROWS: '12000' };
    const local = { SPARK_MASTER: 'local[2]', SPARK_LOCAL_IP: '127.0.0.1', ...QUICK_JVM };
    const options = { env: { ...all, ...local, ...env }, maxBuffer: 64 << 20 };
    // What Python says of a failure, spark-submit prints to stdout.
    await execFileAsync(process.execPath, [SCRIPT, '--until-end'], options).catch(({ message, stdout }) => {
      throw new Error(`${message}\n${stdout.slice(-3000)}`);
    });
  }

  /** As a driver that was lost after the sink's commit, before its own. */
  function forgetLastCommit(out: string): () => void {
    const commits = path.join(out, 'checkpoint', 'commits');
    const last = lastOf(commits);
    change(path.join(commits, last), undefined);
    return () => expect(readdirSync(commits)).toContain(last);
  }

  it('has a topic that a run has read', LONG, async () => {
    await runUntilEnd(runEnv(bootstrap(), topic, dataDir));
    wanted = await Promise.all(
      [parquetGlob(dataDir), 'cdc_orders'].map((rows) => checksums(dataDir, rows, QUARANTINE_OF_RUN)),
    );
    expect(wanted[1].rows).not.toBe(wanted[0].rows);
  });

  it('into Parquet, each change once', LONG, async () => {
    await job(parquet, ONCE);
    const orders = path.join(parquet, 'orders');
    const quarantine = quarantineOf(`${orders}/_quarantine/*/*.parquet`);
    expect(await checksums(dataDir, `read_parquet('${orders}/0*/*.parquet')`, quarantine)).toEqual(wanted[1]);
  });

  it('not with a clock that went back', LONG, async () => {
    const offsets = path.join(parquet, 'checkpoint', 'offsets');
    const file = path.join(offsets, lastOf(offsets));
    change(file, (text) => text.replace(/"batchWatermarkMs":\d+/, '"batchWatermarkMs":4000000000000'));
    await expect(job(parquet, ONCE)).rejects.toThrow("the driver's clock is at");
  });

  it('into Iceberg, every change', LONG, async () => {
    await job(tables[0], { TABLE_FORMAT: 'iceberg' });
  });

  it('into Iceberg, each change once', LONG, async () => {
    const env = { TABLE_FORMAT: 'iceberg', ...ONCE };
    await job(tables[1], env);
    const expectCommitted = forgetLastCommit(tables[1]);
    forgetSnapshots(path.join(tables[1], 'warehouse', 'sluice', 'orders', 'metadata'));
    await job(tables[1], env);
    expectCommitted();
  });

  it('which is there as Iceberg reads it', LONG, async () => {
    const out = path.join(home, 'read');
    const python = await pythonWith('requirements-spark-kernel.txt');
    const warehouses = tables.map((table) => path.join(table, 'warehouse'));
    const counted = await runPython(python, 'read_iceberg.py', ['sluice.orders', out, ...warehouses]);
    const found = await Promise.all(
      tables.map((_, number) => {
        const rows = `read_parquet('${out}/${number}/rows/*.parquet')`;
        return checksums(dataDir, rows, quarantineOf(`${out}/${number}/quarantine/*.parquet`));
      }),
    );
    console.log(`sluice run: ${JSON.stringify(wanted)}\nIceberg:    ${JSON.stringify(found)}`);
    expect(found).toEqual(wanted);
    const sizes = [parquetGlob(dataDir), 'cdc_orders'].map((rows) => `(SELECT count(*)::INTEGER FROM ${rows})`);
    expect(counted).toEqual((await queryFile(dataDir, `SELECT ${sizes.join(', ')}`))[0]);
  });
});
