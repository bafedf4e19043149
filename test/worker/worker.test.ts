import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { BatchProcessor } from '../../src/worker/worker.js';
import { TOPIC, temporaryDirectory } from '../support/batches.js';
import { fillChunk } from '../support/chunks.js';
import { runCli } from '../support/cli.js';

const DIST = new URL('../../dist/', import.meta.url);
/** Does what a worker does; prints which libraries that loaded. Arguments: a data directory and PARQUET_WRITER. */
const SCRIPT = `
  import { createRequire } from 'node:module';
  import { Chunk, setBit } from '${DIST}core/chunk.js';
  import { ORDERS_SPEC } from '${DIST}schema/spec-file.js';
  import { BatchProcessor } from '${DIST}worker/worker.js';
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
  const { file } = await processor.process({
    partition: 0, startOffset: 0, nextOffset: 1, chunks: [chunk.handle()],
    issueBits: ORDERS_SPEC.columns.map((_, index) => index),
  });
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

const IDENTITY = ORDERS_SPEC.columns.map((_, index) => index);

function open(spec = ORDERS_SPEC): Promise<BatchProcessor> {
  return BatchProcessor.create({
    spec,
    topic: TOPIC,
    dataDir: temporaryDirectory(),
    parquetWriter: 'duckdb',
    compression: 'none',
    highValueThreshold: '1000',
    lateAfterMs: 600_000,
    batchRows: 4096,
    batchBytes: 1 << 20,
    mergeFrom: 'arrow',
  });
}

async function process(processor: BatchProcessor, values: readonly string[], issueBits: readonly number[]) {
  const messages = values.map((value, offset) => ({ offset, timestamp: 0, key: null, value }));
  const chunks = [fillChunk(new Chunk(), messages).handle()];
  return processor.process({
    partition: 0,
    startOffset: 0,
    nextOffset: values.length,
    leaderEpoch: undefined,
    chunks,
    issueBits,
  });
}

describe('a batch', () => {
  it('counts markers of snapshots, and no text like theirs', async () => {
    const operations = ['insert', 'snapshot_end', 'snapshot_begin', 'snapshot_enD', 'Snapshot_begin', 'snapshot_end'];
    const values = operations.map((operation) => JSON.stringify({ change_id: 'i', order_id: 'k', operation }));
    values.splice(2, 0, '{', '{"change_id":"snapshot_end","order_id":"k","status":"snapshot_begin"}');
    const { stats } = await process(await open(), values, IDENTITY);
    expect(stats).toMatchObject({ messages: 8, ok: 7, quarantined: 1, marker: 3 });
  });

  it('has no marker without a column of operations', async () => {
    const columns = ORDERS_SPEC.columns.map((column) => ({
      ...column,
      role: column.role === 'operation' ? undefined : column.role,
    }));
    const processor = await open({ ...ORDERS_SPEC, columns });
    const value = '{"change_id":"i","order_id":"k","operation":"snapshot_end"}';
    expect((await process(processor, [value], IDENTITY)).stats).toMatchObject({ ok: 1, marker: 0 });
  });

  it('reports the column of messages that lack a value, and the byte of others', async () => {
    const values = ['{"order_id":"k"}', '{"change_id":"i","order_id":null}', '{"change_id":"i",}'];
    const { quarantined } = await process(await open(), values, IDENTITY);
    expect(quarantined.map(({ status, position, column }) => [status, position, column])).toEqual([
      ['missing_required', -1, 'change_id'],
      ['missing_required', -1, 'order_id'],
      ['malformed', 17, undefined],
    ]);
  });

  it('marks issues by the bits of its task', async () => {
    const processor = await open();
    const value = '{"change_id":"i","order_id":"k","status":5}';
    const bitOfStatus = async (issueBits: readonly number[]) => {
      const { arrow } = await process(processor, [value], issueBits);
      return tableFromIPC(arrow!).getChild('issues')!.get(0);
    };
    const status = ORDERS_SPEC.columns.findIndex(({ name }) => name === 'status');
    expect(await bitOfStatus(IDENTITY)).toBe(1n << BigInt(status));
    expect(await bitOfStatus(IDENTITY.map((bit) => bit + 20))).toBe(1n << BigInt(status + 20));
    expect(await bitOfStatus(IDENTITY)).toBe(1n << BigInt(status));
  });
});
