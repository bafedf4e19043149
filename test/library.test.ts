import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { Kernel, type Message, readSpec } from '../src/index.js';
import { runCli } from './support/cli.js';

const kernel = () => new Kernel(readSpec('preset:capture'));
const message = (event: unknown): Message => ({ value: Buffer.from(JSON.stringify(event)) });
const order = (id: string) => message({ change_id: id, order_id: `o-${id}`, amount: '1000.01' });

describe('the library', () => {
  it('reads messages into Arrow, in their order', () => {
    const { arrow, rows } = kernel().read([order('a'), { ...order('b'), offset: 7n, timestamp: 5n }], 3);
    const table = tableFromIPC(arrow);
    const column = (name: string) => [...(table.getChild(name) ?? [])];
    expect(rows).toBe(2);
    expect(column('change_id')).toEqual(['a', 'b']);
    expect(column('is_high_value')).toEqual([true, true]);
    expect(column('kafka_partition')).toEqual([3, 3]);
    expect(column('kafka_offset')).toEqual([0n, 7n]);
  });

  it('says which messages are no rows, and why', () => {
    const damaged = { value: Buffer.from('{"a":') };
    const { rows, rejected, tombstones } = kernel().read([order('a'), damaged, { value: null }, message({})]);
    expect({ rows, tombstones }).toEqual({ rows: 1, tombstones: 1 });
    expect(rejected).toEqual([
      { message: 1, status: 'malformed', position: 5, column: undefined },
      { message: 3, status: 'missing_required', position: -1, column: 'change_id' },
    ]);
  });

  it('reads more messages at once than a batch of the kernel has', () => {
    const messages = Array.from({ length: 70_001 }, (_, index) => order(String(index)));
    const { arrow, rows } = kernel().read(messages);
    expect(rows).toBe(70_001);
    expect(tableFromIPC(arrow).getChild('change_id')?.get(70_000)).toBe('70000');
  });

  it('makes a table without rows of no messages', () => {
    const { arrow, rows } = kernel().read([]);
    expect(rows).toBe(0);
    expect(tableFromIPC(arrow).schema.fields.map(({ name }) => name)).toContain('change_id');
  });

  it('refuses a spec that is not there', () => {
    expect(() => readSpec('preset:none')).toThrow(expect.objectContaining({ code: 'SLUICE_CONFIG' }));
  });

  it('is used in the example as it is packed', async () => {
    const { stdout, stderr } = await runCli([], { script: 'examples/messages-to-arrow.mjs' });
    expect(stderr).toBe('');
    expect(stdout).toBe('2 rows: created, paid\nmessage 2: malformed at byte 0\n');
  });
});
