import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';
import { runCli } from '../support/cli.js';

const DIST = new URL('../../dist/', import.meta.url);
/** Arguments: a data directory, how many batches the pool is given, and after how many milliseconds it is closed. */
const SCRIPT = `
  import { Chunk, setBit } from '${DIST}core/chunk.js';
  import { WorkerPool } from '${DIST}worker/pool.js';
  import { ORDERS_SPEC } from '${DIST}schema/spec-file.js';
  const [dataDir, batches, waitMs] = process.argv.slice(2);
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
  const pool = new WorkerPool(2, options);
  let done = 0;
  for (let startOffset = 0; startOffset < Number(batches); startOffset++) {
    const task = { partition: 0, startOffset, nextOffset: startOffset + 1, chunks: [chunk.handle()], issueBits };
    pool.run(task).then(({ stats }) => { done += stats.ok; });
  }
  await new Promise((resolve) => setTimeout(resolve, Number(waitMs)));
  await pool.close();
  console.log(done);
`;

describe('WorkerPool', () => {
  it('can be closed at any moment of its start', async () => {
    const dataDir = temporaryDirectory();
    const script = join(dataDir, 'script.mjs');
    writeFileSync(script, SCRIPT);
    for (let waitMs = 0; waitMs <= 600; waitMs += 60) {
      expect(await runCli([dataDir, '0', `${waitMs}`], { script })).toMatchObject({ code: 0, stdout: '0\n' });
    }
  });

  it('can be closed while files are written: batches that were begun are done', async () => {
    const dataDir = temporaryDirectory();
    const script = join(dataDir, 'script.mjs');
    writeFileSync(script, SCRIPT);
    for (let waitMs = 400; waitMs <= 700; waitMs += 60) {
      const args = [dataDir, '40', `${waitMs}`];
      expect(await runCli(args, { script })).toMatchObject({ code: 0, stderr: '', stdout: '40000\n' });
    }
  });
});
