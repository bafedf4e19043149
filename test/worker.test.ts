import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { Chunk } from '../src/chunk.js';
import { ORDERS_SPEC } from '../src/spec-file.js';
import { BatchProcessor } from '../src/worker.js';
import { TOPIC, temporaryDirectory } from './support/batches.js';
import { fillChunk } from './support/chunks.js';

const IDENTITY = ORDERS_SPEC.columns.map((_, index) => index);

function open(): Promise<BatchProcessor> {
  return BatchProcessor.create({
    spec: ORDERS_SPEC,
    topic: TOPIC,
    dataDir: temporaryDirectory(),
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
  return processor.process({ partition: 0, startOffset: 0, nextOffset: values.length, chunks, issueBits });
}

describe('a batch', () => {
  it('tells of messages that lack a value in which column, and of others at which byte', async () => {
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
