/** `sluice compact` as it is run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeBatch, openSink, order, select, temporaryDirectory, token } from '../support/batches.js';
import { runCli } from '../support/cli.js';
import { GROWN_SPEC, grownDirectory, specFile } from '../support/grown-directory.js';
import { commitBatches, contentOf, parquetFiles } from '../support/small-files.js';
import { problems } from '../support/verifying.js';

describe('sluice compact', () => {
  it('needs a data directory that no process works on', async () => {
    const dataDir = temporaryDirectory();
    const env = { DATA_DIR: dataDir };
    const absent = await runCli(['compact'], { env });
    expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was consumed into it yet') });
    await openSink(dataDir);
    const held = await runCli(['compact'], { env });
    expect(held).toMatchObject({ code: 3, stderr: expect.stringMatching(/SLUICE_LOCKED.*held by/) });
  });

  it('leaves damaged files, with a warning, and ends with 1', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commitBatches(dataDir, sink, 6);
    await sink.close();
    const [, second] = parquetFiles(dataDir);
    const content = readFileSync(second);
    writeFileSync(second, Buffer.from(content).fill(0, content.length - 20));
    const { code, stdout, stderr } = await runCli(['compact'], { env: { DATA_DIR: dataDir, LOG_FORMAT: 'json' } });
    expect([code, stdout]).toEqual([1, expect.stringContaining('3 files (')]);
    expect(JSON.parse(stderr)).toMatchObject({
      level: 40,
      code: 'SLUICE_SINK',
      msg: expect.stringMatching(/^6 Parquet files, .*: .*"sluice verify" says which file is not whole/),
    });
    writeFileSync(second, content);
    expect(await problems(dataDir)).toEqual([]);
  });

  it.each([
    ['its own text', (index: number) => `${index}`.padStart(4, '-')],
    ['the text of all others', () => 'text'],
  ])('joins messages of a megabyte, each with %s, in little memory; with less it leaves them', async (_, text) => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { memoryLimit: 512e6 });
    const large = (index: number) => order(token(index), { note: text(index).repeat(250_000) });
    for (let start = 0; start < 120; start += 3) {
      await sink.stage(await makeBatch(dataDir, 0, start, [large(start), large(start + 1), large(start + 2)]));
      await sink.stage(await makeBatch(dataDir, 1, start, [order(`p1-${start}`)], { nextOffset: start + 3 }));
    }
    await sink.commit();
    await sink.close();
    const tight = await openSink(dataDir, { memoryLimit: 40e6 });
    const done: number[] = [];
    const onDone = (files: number) => void done.push(files);
    const { filesBefore, left } = await tight.compact({ everything: true, onDone });
    expect(done).toEqual([40, 40]);
    await tight.close();
    expect([filesBefore, left]).toEqual([40, [expect.stringMatching(/^40 Parquet files, .*DUCKDB_MEMORY_LIMIT/)]]);
    const wide = await openSink(dataDir, { memoryLimit: 160e6 });
    expect(await wide.compact({ everything: true })).toMatchObject({ filesBefore: 40, filesAfter: 1, left: [] });
    const groups = `FROM parquet_metadata('${parquetFiles(dataDir)[0]}') WHERE path_in_schema = 'extra'`;
    const [[most, all]] = await select(
      wide,
      `SELECT max(row_group_num_rows), sum(row_group_num_rows)::INTEGER ${groups}`,
    );
    expect([Number(most) <= 32, all]).toEqual([true, 120]);
    await wide.close();
    expect(await problems(dataDir)).toEqual([]);
  });

  it('survives kill -9 at any moment', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commitBatches(dataDir, sink, 60);
    const before = await select(sink, contentOf(dataDir));
    await sink.close();
    const env = { DATA_DIR: dataDir, LOG_FORMAT: 'json' };
    let outcome = { code: null as number | null, stdout: '' };
    for (let timeoutMs = 300; outcome.code === null; timeoutMs += 40) {
      outcome = await runCli(['compact'], { env, timeoutMs });
    }
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/joined into|nothing to join/) });
    const reopened = await openSink(dataDir);
    await reopened.compact({ everything: true });
    expect(await select(reopened, contentOf(dataDir))).toEqual(before);
    await reopened.close();
    expect(parquetFiles(dataDir).length).toBe(2);
    expect(await problems(dataDir)).toEqual([]);
  });

  it('leaves rewritten files whole, or as they were, when it is killed at any moment', {
    timeout: 120_000,
  }, async () => {
    const dataDir = temporaryDirectory();
    await grownDirectory(dataDir, 24, 1);
    const content = async () => {
      const sink = await openSink(dataDir, { spec: GROWN_SPEC });
      const rows = await select(sink, `SELECT * EXCLUDE note, note ${contentOf(dataDir)}`);
      const columns = await Promise.all(
        parquetFiles(dataDir).map((path) => select(sink, `DESCRIBE FROM read_parquet('${path}')`)),
      );
      await sink.close();
      return { rows, columns };
    };
    const before = await content();
    const env = { DATA_DIR: dataDir, TABLE_SPEC: specFile(temporaryDirectory()), LOG_FORMAT: 'json' };
    let outcome = { code: null as number | null, stdout: '' };
    for (let timeoutMs = 300; outcome.code === null; timeoutMs += 40) {
      outcome = await runCli(['compact', '--rewrite'], { env, timeoutMs });
    }
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/\d+ files rewritten/) });
    const { rows, columns } = await content();
    expect(rows).toEqual(before.rows);
    expect(new Set(columns.map((found) => JSON.stringify(found))).size).toBe(1);
    expect(await problems(dataDir)).toEqual([]);
  });
});
