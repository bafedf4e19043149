import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeBatch, openSink, temporaryDirectory } from '../support/batches.js';
import { runCli } from '../support/cli.js';

const change = (id: string, amount: string, status: string) =>
  JSON.stringify({ change_id: id, order_id: `o-${id}`, operation: 'insert', amount, status, items: [] });

describe('sluice diff', () => {
  let dataDir: string;
  let old: string;
  beforeEach(async () => {
    dataDir = temporaryDirectory();
    old = join(temporaryDirectory(), 'old');
    const sink = await openSink(dataDir);
    const messages = [change('1', '12.50', 'paid'), change('2', '7', 'paid'), change('3', '1', "it's"), 'no JSON'];
    await sink.stage(await makeBatch(dataDir, 0, 0, messages));
    await sink.commit();
    await sink.close();
  });

  /** Writes a file of the old job. @param rows SQL with (change_id, amount, status) */
  async function oldFile(name: string, rows: string): Promise<void> {
    mkdirSync(join(old, name, '..'), { recursive: true });
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    // The types of a Spark job: doubles, and lists in place of JSON.
    await connection.run(`COPY (SELECT id AS change_id, amt::DOUBLE AS amt, status, [] AS items FROM (VALUES ${rows})
      old(id, amt, status)) TO '${join(old, name)}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
  }

  const diff = (...args: string[]) =>
    runCli(['diff', old, '--rename', 'amt=amount', ...args], { env: { DATA_DIR: dataDir } });

  it('agrees with files that have the same, also repeated ones', async () => {
    await oldFile('batch=0/a.parquet', "('1', 12.5, 'paid'), ('2', 7, 'paid')");
    await oldFile('batch=1/b.parquet', "('2', 7, 'paid'), ('3', 1, 'it''s'), (NULL, NULL, NULL)");
    // What Spark leaves behind of a task that failed.
    await oldFile('_temporary/0/c.parquet', "('9', 9, 'paid')");
    const { stdout, stderr, code } = await diff();
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^rows +3 +5$/m);
    expect(stdout).toMatch(/^rows without change_id +0 +1$/m);
    expect(stdout).toMatch(/^amount +0 +20\.5\d* +20\.5$/m);
    expect(stdout).toMatch(/not compared: .*items \(nested on one side\).*batch \(only there\)/);
    expect(stdout).toMatch(/both agree\n$/);
    expect(code).toBe(0);
  });

  it('says which keys and values differ, and ends with 1', async () => {
    await oldFile('batch=1/b.parquet', "('2', 7.01, 'paid'), ('4', 1, 'new')");
    await oldFile('batch=0/a.parquet', "('1', 12.5, 'paid')");
    const { stdout, code } = await diff('--json', '--columns', 'amount,status');
    expect(JSON.parse(stdout)).toEqual({
      key: ['change_id'],
      ours: { rows: 3, rowsWithoutKey: 0, keys: 3 },
      theirs: { rows: 3, rowsWithoutKey: 0, keys: 3 },
      onlyOurs: 1,
      onlyTheirs: 1,
      columns: [
        { column: 'amount', different: 1, ourSum: '20.5000', theirSum: '20.509999999999998' },
        { column: 'status', different: 0, ourSum: null, theirSum: null },
      ],
      notCompared: [],
      samples: [
        { key: { change_id: '2' }, in: 'both', columns: { amount: { ours: '7.0000', theirs: '7.01' } } },
        { key: { change_id: '3' }, in: 'ours', columns: {} },
        { key: { change_id: '4' }, in: 'theirs', columns: {} },
      ],
      agrees: false,
    });
    expect(code).toBe(1);
    const part = await diff('--where', "change_id = '1'");
    expect(part.stdout).toMatch(/both agree\n$/);
  });

  it("leaves out files that the log of Spark's file sink does not name", async () => {
    await oldFile('batch=0/a.parquet', "('1', 12.5, 'paid'), ('2', 7, 'paid'), ('3', 1, 'it''s')");
    await oldFile('batch=1/b.parquet', "('5', 5, 'of a batch that failed')");
    mkdirSync(join(old, '_spark_metadata'), { recursive: true });
    const entry = JSON.stringify({ path: `file://${old}/batch=0/a.parquet`, action: 'add' });
    writeFileSync(join(old, '_spark_metadata', '0'), `v1\n${entry}\n`);
    expect((await diff()).stdout).toMatch(/both agree\n$/);
  });

  it('says which columns there are if one that an option names is not', async () => {
    await oldFile('a.parquet', "('1', 12.5, 'paid')");
    const { stderr, code } = await diff('--key', 'kafka_offset');
    expect(stderr).toMatch(/no column kafka_offset in the Parquet files: give --key or --rename, of change_id, amount/);
    expect(code).toBe(2);
    expect((await diff('--rename', 'amout=status')).stderr).toContain('no column amout in the Parquet files');
  });
});
