import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';
import { runCli } from '../support/cli.js';

const ROOT = new URL('../../', import.meta.url);
/**
 * Arguments: a data directory, the number of batches the pool is given, how many milliseconds pass before it closes and
 * before it gives them, and how many more batches it is given then.
 */
const scriptOf = (root: URL) => `
  import { Chunk, setBit } from '${root}dist/core/chunk.js';
  import { WorkerPool } from '${root}dist/worker/pool.js';
  import { ORDERS_SPEC } from '${root}dist/schema/spec-file.js';
  const [dataDir, batches, waitMs, delayMs = 0, late = 0] = process.argv.slice(2);
  const options = {
    spec: ORDERS_SPEC, topic: 't', dataDir, parquetWriter: 'duckdb', compression: 'zstd',
    highValueThreshold: '1000', lateAfterMs: 0, batchRows: 1000, batchBytes: 1 << 20, mergeFrom: 'parquet',
  };
  const value = Buffer.from('{"change_id":"1","order_id":"2"}');
  const chunk = new Chunk();
  const { values, valueOffsets, valueValidity } = chunk.views;
  for (; chunk.rows < 1000; chunk.rows++) {
    values.set(value, chunk.valueBytes);
    chunk.valueBytes += value.length;
    valueOffsets[chunk.rows + 1] = chunk.valueBytes;
    setBit(valueValidity, chunk.rows, true);
  }
  const issueBits = ORDERS_SPEC.columns.map((_, index) => index);
  const pool = new WorkerPool(2, options, console);
  let done = 0;
  await new Promise((resolve) => setTimeout(resolve, Number(delayMs)));
  function give(count) {
    for (let startOffset = 0; startOffset < Number(count); startOffset++) {
      const task = { partition: 0, startOffset, nextOffset: startOffset + 1, chunks: [chunk.handle()], issueBits };
      pool.run(task).then(({ stats }) => { done += stats.ok; }, ({ code }) => console.log(code));
    }
  }
  give(batches);
  await new Promise((resolve) => setTimeout(resolve, Number(waitMs)));
  const closed = pool.close();
  give(late);
  await closed;
  console.log(done);
`;

/** A copy of the compiled program without the kernel's builds. */
function programWithoutKernel(): string {
  const root = temporaryDirectory();
  for (const name of ['dist', 'package.json']) {
    cpSync(fileURLToPath(new URL(name, ROOT)), join(root, name), { recursive: true });
  }
  symlinkSync(fileURLToPath(new URL('node_modules', ROOT)), join(root, 'node_modules'));
  return root;
}

describe('WorkerPool', () => {
  it('answers each batch with what its threads could not load, long after they tried', async () => {
    const root = programWithoutKernel();
    const script = join(root, 'script.mjs');
    writeFileSync(script, scriptOf(pathToFileURL(`${root}/`)));
    const result = await runCli([root, '2', '0', '1000'], { script, timeoutMs: 20_000 });
    expect(result).toMatchObject({ code: 0, stdout: 'SLUICE_KERNEL\nSLUICE_KERNEL\n0\n' });
  });

  it('can be closed at any moment of its start', async () => {
    const dataDir = temporaryDirectory();
    const script = join(dataDir, 'script.mjs');
    writeFileSync(script, scriptOf(ROOT));
    for (let waitMs = 0; waitMs <= 600; waitMs += 60) {
      expect(await runCli([dataDir, '0', `${waitMs}`], { script })).toMatchObject({ code: 0, stdout: '0\n' });
    }
  });

  it('can be closed while files are written: batches that were begun are done', async () => {
    const dataDir = temporaryDirectory();
    const script = join(dataDir, 'script.mjs');
    writeFileSync(script, scriptOf(ROOT));
    for (let waitMs = 400; waitMs <= 700; waitMs += 60) {
      const args = [dataDir, '40', `${waitMs}`];
      expect(await runCli(args, { script })).toMatchObject({ code: 0, stderr: '', stdout: '40000\n' });
    }
  });

  it('takes no batch while it closes', async () => {
    const dataDir = temporaryDirectory();
    const script = join(dataDir, 'script.mjs');
    writeFileSync(script, scriptOf(ROOT));
    const result = await runCli([dataDir, '2', '500', '0', '1'], { script });
    expect(result).toMatchObject({ code: 0, stderr: '', stdout: 'SLUICE_WORKER\n2000\n' });
  });
});
