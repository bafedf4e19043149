import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ParseOptions, parse } from '../../src/commands/parse.js';
import { ParseStats } from '../../src/commands/parse-stats.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { avroType, framed } from '../support/avro.js';
import { temporaryDirectory } from '../support/batches.js';
import { runCli } from '../support/cli.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { messagesOf } from '../support/kernel.js';
import { referenceRow } from '../support/reference.js';
import { FakeRegistry } from '../support/registry.js';

const SAMPLE = readFileSync(new URL('../../fixtures/orders.ndjson', import.meta.url));
const MESSAGE = {
  change_id: '82677501C00000002A2B0229296E04',
  order_id: 'ORD-7',
  customer: { id: 'C1', name: 'Anna', phone: '1' },
  amount: '$1,234.50',
  event_time: '2025-01-02T03:04:05.678901+01:00',
};
const ROW = {
  change_id: '82677501C00000002A2B0229296E04',
  operation: null,
  order_id: 'ORD-7',
  customer_id: 'C1',
  customer_email: null,
  customer_name: 'Anna',
  amount: '1234.5000',
  amount_raw: '$1,234.50',
  currency: null,
  status: null,
  items: null,
  event_time: '2025-01-02T02:04:05.678901Z',
  order_id_type: null,
  extra: '{"customer":{"phone":"1"}}',
  is_high_value: true,
  issues: 0,
  change_seq: String(0x677501c00000002an),
};

/** The lines for these bytes, which come in pieces of a given size. */
async function lines(bytes: Uint8Array, pieceBytes = bytes.length, options: Partial<ParseOptions> = {}) {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  let text = '';
  const write = async (output: string) => {
    text += output;
  };
  await parse(pieces(), { spec: ORDERS_SPEC, highValueThreshold: '1000', delimiter: 'newline', write, ...options });
  return text.split('\n').slice(0, -1);
}

describe('parse', () => {
  it('prints every column that a message alone gives', async () => {
    const [line] = await lines(Buffer.from(JSON.stringify(MESSAGE)));
    expect(JSON.parse(line)).toEqual({ status: 'ok', row: ROW });
  });

  it('says why and where for the others', async () => {
    const text = '{"change_id":"i","order_id":"k"}\n{"change_id":"i",}\n\n[1]\r\n \r\n{"order_id":"k"}';
    expect((await lines(Buffer.from(text))).slice(1)).toEqual([
      '{"status":"malformed","position":17}',
      '{"status":"not_object","position":0}',
      '{"status":"missing_required","column":"change_id"}',
    ]);
  });

  it.each([1, 7, 64, 1000])('does not care how the bytes come: %i at a time', async (size) => {
    expect(await lines(SAMPLE, size)).toEqual(await lines(SAMPLE));
  });

  it('takes NUL-delimited messages with newlines, empty ones too', async () => {
    const [pretty, small] = [JSON.stringify(MESSAGE, null, 2), '{"change_id":"i","order_id":"k","amount":-0.0001}'];
    const found = await lines(Buffer.from(`${pretty}\0\0${small}\0`), 10, { delimiter: 'nul' });
    expect(found.map((line) => JSON.parse(line))).toMatchObject([
      { status: 'ok', row: { amount: '1234.5000' } },
      { status: 'malformed', position: 0 },
      { status: 'ok', row: { amount: '-0.0001' } },
    ]);
  });

  it('keeps the order of many messages, some larger than a chunk', async () => {
    // Without NUL bytes of their own, which would end a message.
    const events = [...orderEvents({ count: 6000, shares: EQUAL_SHARES })].filter(({ value }) => !value?.includes(0));
    const values = events.map(({ value }) => value ?? Buffer.from('x'));
    for (const at of [0, 3000, values.length - 1]) {
      values[at] = Buffer.from(`{"change_id":"${at}","order_id":"${'k'.repeat(3 << 20)}","event_time":-1}`);
    }
    const found = await lines(Buffer.concat(values.flatMap((value) => [value, Buffer.of(0)])), 100_000, {
      delimiter: 'nul',
    });
    const options = { highValueThreshold: '1000', lateAfterMs: 0 };
    const expected = messagesOf(values).map((message) => referenceRow(ORDERS_SPEC, options, message));
    expect(found.map((line) => JSON.parse(line).status)).toEqual(expected.map(({ status }) => status));
    expect(found.map((line) => JSON.parse(line).row?.change_id)).toEqual(expected.map(({ row }) => row?.change_id));
    expect(JSON.parse(found[3000])).toMatchObject({
      row: { change_id: '3000', event_time: '1969-12-31T23:59:59.999000Z' },
    });
  });
});

describe('statistics', () => {
  it('count messages by status, bytes and learned rows instead of printing rows', async () => {
    const values = [...orderEvents({ count: 5000, shares: { not_object: 0.02, missing_required: 0.03 } })];
    const bytes = Buffer.concat(values.flatMap(({ value }) => [value!, Buffer.from('\n')]));
    const stats = new ParseStats();
    expect(await lines(bytes, 100_000, { stats })).toEqual([]);
    const expected = messagesOf(values.map(({ value }) => value)).map(
      (message) => referenceRow(ORDERS_SPEC, { highValueThreshold: '1000', lateAfterMs: 0 }, message).status,
    );
    const found = numbersOf(stats.text());
    for (const status of ['ok', 'not_object', 'missing_required']) {
      expect([status, found.get(status)]).toEqual([status, expected.filter((one) => one === status).length]);
    }
    expect(Object.fromEntries(found)).toMatchObject({ messages: values.length, bytes: bytes.length - values.length });
    expect(found.has('malformed')).toBe(false);
    expect(found.get('learned')).toBeLessThanOrEqual(values.length);
    expect(stats.text()).toMatch(/^kernel +\d+\.\d ms\nspeed +\d+\.\d\d GB\/s\n$/m);
  });

  it('are printed for no message as well', () => {
    expect(numbersOf(new ParseStats().text())).toEqual(
      new Map(Object.entries({ messages: 0, bytes: 0, learned: 0, kernel: 0, speed: 0 })),
    );
  });
});

/** The number of each line by its label. */
function numbersOf(text: string): Map<string, number> {
  const found = text.trimEnd().split('\n');
  return new Map(
    found.map((line) => {
      const [label, value] = line.split(/ +/);
      return [label, Number(value.replaceAll(',', ''))];
    }),
  );
}

describe('sluice parse', () => {
  it('prints statistics of all files together', async () => {
    const file = join(temporaryDirectory(), 'orders.ndjson');
    writeFileSync(file, '{"change_id":"i","order_id":"k"}\n[]\n');
    const { code, stdout } = await runCli(['parse', '--stats', file, file]);
    expect(code).toBe(0);
    expect(Object.fromEntries(numbersOf(stdout))).toMatchObject({ messages: 4, bytes: 68, ok: 2, not_object: 2 });
    expect(stdout).toContain('ok                               2   50.00%\n');
  });

  it('reads stdin, files in their order, and a spec', async () => {
    const folder = temporaryDirectory();
    const [spec, first, second] = ['spec.json', 'a.ndjson', 'b.ndjson'].map((name) => join(folder, name));
    const columns = [
      { name: 'id', kind: 'text', required: true, role: 'change_id' },
      { name: 'name', path: 'who.name', kind: 'text', required: true, role: 'key' },
      { name: 'total', kind: 'amount', role: 'amount' },
    ];
    writeFileSync(spec, JSON.stringify({ table: 't', view: 'v', columns }));
    writeFileSync(first, '{"id":"1","who":{"name":"a"},"total":"5 €"}\n');
    writeFileSync(second, '{"id":"2","who":{"name":"b"},"total":4.9}');
    const args = ['parse', '--spec', spec, '--threshold', '4.95'];
    const { code, stdout } = await runCli([...args, first, second]);
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { row: { id: '1', name: 'a', total: '5.0000', is_high_value: true } },
      { row: { id: '2', name: 'b', total: '4.9000', is_high_value: false } },
    ]);
    expect(await runCli(args, { input: '{"id":"1","who":{}}' })).toMatchObject({
      code: 0,
      stdout: '{"status":"missing_required","column":"name"}\n',
    });
  });

  it.each([
    [['nowhere.ndjson'], 'nowhere.ndjson cannot be read'],
    [['--delimiter', 'comma'], '--delimiter must be newline, nul or length, not comma'],
    [['--delimiter', 'constructor'], '--delimiter must be newline, nul or length, not constructor'],
    [['--spec', 'nowhere.json'], '--spec="nowhere.json": table spec nowhere.json cannot be read'],
    [['--threshold', 'much'], '--threshold="much": must be an amount'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await runCli(['parse', ...args], { env: { LOG_FORMAT: 'pretty' } });
    expect(stderr).toContain('SLUICE_CONFIG');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(2);
  });
});

describe('messages behind the frame of a registry', () => {
  const ORDER = {
    type: 'record',
    name: 'Order',
    fields: ['change_id', 'order_id'].map((name) => ({ name, type: 'string' })),
  };
  const order = (id: number, changeId: string) =>
    framed(id, avroType(ORDER).toBuffer({ change_id: changeId, order_id: 'o' }));
  const input = (...messages: (Uint8Array | null)[]) =>
    Buffer.concat(
      messages.map((message) => {
        const length = Buffer.alloc(4);
        length.writeInt32BE(message?.length ?? -1);
        return Buffer.concat([length, message ?? Buffer.alloc(0)]);
      }),
    );
  const args = ['parse', '--delimiter', 'length'];
  const env = (url: string) => ({ VALUE_FORMAT: 'avro', SCHEMA_REGISTRY_URL: url });
  const statuses = (stdout: string) =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { status: string; position?: number; row?: { change_id: string } })
      .map(({ status, position, row }) => [status, position ?? row?.change_id]);

  it('are decoded in Avro, each schema asked for once', async () => {
    const registry = await FakeRegistry.start();
    const id = registry.register('x', ORDER);
    const messages = [
      order(id, 'a'),
      null,
      Buffer.from('{}'),
      order(77, 'b'),
      order(id, 'c').subarray(0, -1),
      order(id, 'd'),
    ];
    const { code, stdout, stderr } = await runCli(args, {
      env: env(registry.url),
      input: input(...messages, order(77, 'e')),
    });
    expect(code).toBe(0);
    expect(statuses(stdout)).toEqual([
      ['ok', 'a'],
      ['tombstone', undefined],
      ['not_framed', 0],
      ['unknown_schema', undefined],
      ['malformed', messages[4]!.length],
      ['ok', 'd'],
      ['unknown_schema', undefined],
    ]);
    expect(stderr.match(/SLUICE_UNKNOWN_SCHEMA/g)).toHaveLength(1);
    expect(registry.requests).toEqual([`/schemas/ids/${id}`, '/schemas/ids/77']);
  });

  it('are JSON without a registry', async () => {
    const json = '{"change_id":"a","order_id":"o"}';
    const of = { env: { VALUE_FORMAT: 'json-schema' }, input: input(framed(300, json), framed(301, `${json},`)) };
    expect(statuses((await runCli(args, of)).stdout)).toEqual([
      ['ok', 'a'],
      ['malformed', 5 + json.length],
    ]);
  });

  it('need lengths, and a registry that answers', async () => {
    const registry = await FakeRegistry.start();
    const delimited = await runCli(['parse'], { env: env(registry.url), input: '' });
    expect([delimited.code, delimited.stderr]).toEqual([2, expect.stringContaining('use --delimiter length')]);
    registry.broken = 503;
    const broken = await runCli(args, { env: env(registry.url), input: input(order(1, 'a')) });
    expect(broken.stderr).toMatch(/SLUICE_REGISTRY.*HTTP 503/);
    expect(broken.code).toBeGreaterThan(0);
  });
});
