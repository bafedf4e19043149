import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from './support/batches.js';
import { runCli } from './support/cli.js';

const DIST = new URL('../dist/', import.meta.url);
/** Does what a worker does; prints which libraries that loaded. Arguments: a data directory and PARQUET_WRITER. */
const SCRIPT = `
  import { createRequire } from 'node:module';
  import { Chunk, setBit } from '${DIST}chunk.js';
  import { ORDERS_SPEC } from '${DIST}spec-file.js';
  import { BatchProcessor } from '${DIST}worker.js';
  const [dataDir, parquetWriter] = process.argv.slice(2);
  const value = Buffer.from('{"change_id":"1","order_id":"2"}');
  const chunk = new Chunk();
  const { values, valueOffsets, valueValidity } = chunk.views;
  values.set(value);
  valueOffsets[1] = chunk.valueBytes = value.length;
  setBit(valueValidity, 0, true);
  chunk.rows = 1;
  const processor = await BatchProcessor.create({
    spec: ORDERS_SPEC, topic: 't', dataDir, parquetWriter, compression: 'zstd', highValueThreshold: '1000',
    lateAfterMs: 0, batchRows: 1000, batchBytes: 1 << 20, mergeFrom: 'arrow',
  });
  const { file } = await processor.process({ partition: 0, startOffset: 0, nextOffset: 1, chunks: [chunk.handle()] });
  const { sharedObjects } = process.report.getReport();
  const modules = Object.keys(createRequire(import.meta.url).cache);
  console.log(JSON.stringify({
    wrote: file.bytes > 0,
    native: sharedObjects.some((name) => name.endsWith('.node')),
    wasm: modules.some((name) => /parquet_wasm/.test(name)),
  }));
`;

it.each([
  ['duckdb', { wrote: true, native: true, wasm: false }],
  ['parquet-wasm', { wrote: true, native: false, wasm: true }],
])('a worker loads one library: PARQUET_WRITER=%s', async (parquetWriter, loaded) => {
  const dataDir = temporaryDirectory();
  const script = join(dataDir, 'script.mjs');
  writeFileSync(script, SCRIPT);
  const { stdout, stderr } = await runCli([dataDir, parquetWriter], { script });
  expect(JSON.parse(stdout || '{}'), stderr).toEqual(loaded);
});
