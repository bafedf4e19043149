import { Table, tableFromIPC, tableToIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { asRecordBatch, MESSAGE_SCHEMA } from '../../src/core/messages.js';
import { fillChunk } from '../support/chunks.js';

const MESSAGES = [
  { offset: 2 ** 40, timestamp: 1_700_000_000_000, key: 'a', value: 'first' },
  { offset: 2 ** 40 + 3, timestamp: -1, key: null, value: null },
  { offset: 2 ** 40 + 4, timestamp: 5, key: '', value: '' },
  { offset: 2 ** 40 + 5, timestamp: 6, key: 'bc', value: null },
];
const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe('asRecordBatch', () => {
  it('shows the messages of a chunk, nulls and empties apart', () => {
    const batch = asRecordBatch(fillChunk(new Chunk(), MESSAGES).handle());
    expect(batch.schema).toEqual(MESSAGE_SCHEMA);
    expect(batch.numRows).toBe(4);
    const rows = [...batch].map(({ offset, timestamp, key, value }) => {
      return { offset: Number(offset), timestamp: Number(timestamp), key: text(key), value: text(value) };
    });
    expect(rows).toEqual(MESSAGES);
    expect(batch.getChild('key')!.nullCount).toBe(1);
    expect(batch.getChild('value')!.nullCount).toBe(2);
  });

  it('has the memory of the chunk, also for a reader on another thread', () => {
    const chunk = fillChunk(new Chunk(), MESSAGES);
    const batch = asRecordBatch(structuredClone(chunk.handle()));
    chunk.views.values[0] = 'F'.charCodeAt(0);
    expect(text(batch.getChild('value')!.get(0))).toBe('First');
    const columns = asRecordBatch(chunk.handle()).data.children;
    for (const { values, valueOffsets, nullBitmap } of columns) {
      expect(values.buffer).toBe(chunk.memory);
      if (valueOffsets !== undefined) expect(valueOffsets.buffer).toBe(chunk.memory);
      if (nullBitmap?.byteLength > 0) expect(nullBitmap.buffer).toBe(chunk.memory);
    }
  });

  it('is one that Arrow itself writes and reads', () => {
    const batch = asRecordBatch(fillChunk(new Chunk(), MESSAGES).handle());
    const table = tableFromIPC(tableToIPC(new Table([batch]), 'stream'));
    expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual(
      MESSAGE_SCHEMA.fields.map(({ name, type }) => `${name} ${type}`),
    );
    expect([...table.getChild('value')!].map(text)).toEqual(MESSAGES.map(({ value }) => value));
  });
});
