/** The schemas of a topic's keys. */
import { expect, it, vi } from 'vitest';
import type { SchemaStore } from '../../src/registry/schema-store.js';
import { loadSpec } from '../../src/schema/load-spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { framed, ORDERS_AVRO } from '../support/avro.js';
import { chunkOfValues } from '../support/chunks.js';
import { FakeRegistry } from '../support/registry.js';
import { SUBJECT, store, UNREGISTERED, warnings } from '../support/schema-stores.js';

const spec = loadSpec('preset:debezium');
const KEY_SUBJECT = 'orders-key';
const record = (field: string) => ({ type: 'record', name: 'Key', fields: [{ name: field, type: 'long' }] });
const noAbort = new AbortController().signal;

async function prepared(schemas: SchemaStore, values: readonly number[], keys: readonly number[]) {
  const frames = (ids: readonly number[]) => ids.map((id) => framed(id, 'x'));
  const chunks = [chunkOfValues(frames(values), 0, frames(keys)).handle()];
  const task = { partition: 0, startOffset: 0, nextOffset: 1, leaderEpoch: undefined, issueBits: [], chunks };
  return await schemas.prepare(task, noAbort);
}

it('have schemas of their own, which are waited for, too', async () => {
  const registry = await FakeRegistry.start();
  const [value, key] = [registry.register(SUBJECT, ORDERS_AVRO), registry.register(KEY_SUBJECT, record('order_id'))];
  const { store: schemas, counted } = store(registry.url, { keyFormat: 'avro', spec });
  registry.broken = 500;
  const waiting = prepared(schemas, [value], [key]);
  await vi.waitFor(() => expect(counted.errors).toBeGreaterThan(1));
  expect(schemas.waitingBatches).toBe(1);
  registry.broken = undefined;
  const task = await waiting;
  expect(task.schemas).toMatchObject([{ id: value, text: JSON.stringify(ORDERS_AVRO) }]);
  expect(task.keySchemas).toMatchObject([{ id: key, text: JSON.stringify(record('order_id')) }]);
  expect(schemas.waitingBatches).toBe(0);
});

it('may be of another format than values, or framed alone', async () => {
  const registry = await FakeRegistry.start();
  const [json, avro] = [registry.register('j', {}, { type: 'JSON' }), registry.register('a', record('order_id'))];
  const { store: mixed } = store(registry.url, { valueFormat: 'json-schema', keyFormat: 'avro', spec });
  expect((await prepared(mixed, [json], [avro])).keySchemas).toMatchObject([{ id: avro }]);
  await expect(prepared(mixed, [json], [json])).rejects.toThrow(
    `has no schema for keys of messages: its schema ${json} is JSON, KEY_FORMAT=avro`,
  );
  const { store: alone } = store(registry.url, { valueFormat: 'json', keyFormat: 'avro', spec });
  expect(await prepared(alone, [json], [avro])).toMatchObject({ schemas: undefined, keySchemas: [{ id: avro }] });
});

it('are not asked for if no column is of them', async () => {
  const registry = await FakeRegistry.start();
  const value = registry.register(SUBJECT, ORDERS_AVRO);
  const { store: schemas } = store(registry.url, { keyFormat: 'avro' });
  await schemas.open();
  expect(await prepared(schemas, [value], [UNREGISTERED])).toMatchObject({ keySchemas: undefined });
  expect(registry.requests).not.toContain(`/subjects/${KEY_SUBJECT}/versions/latest`);
});

it('are compared with the spec at a start', async () => {
  const registry = await FakeRegistry.start();
  const text = JSON.stringify({
    ...{ table: 't', view: 'v' },
    columns: [{ name: 'id', path: { key: 'id' }, kind: 'text', required: true, role: 'key' }],
  });
  const ofKey = parseSpec(text, 'test');
  const id = registry.register(KEY_SUBJECT, record('other'));
  const { store: schemas, lines } = store(registry.url, { keyFormat: 'avro', spec: ofKey });
  await schemas.open();
  expect(warnings(lines)).toMatchObject([{ fields: { column: 'id', schemaId: id, subject: KEY_SUBJECT } }]);
});

it('that are read as they are although the registry has schemas of them are warned of', async () => {
  const registry = await FakeRegistry.start();
  const { store: before, lines: none } = store(registry.url, { spec });
  await before.open();
  expect(warnings(none)).toEqual([]);
  registry.register(KEY_SUBJECT, record('order_id'));
  const { store: schemas, lines } = store(registry.url, { spec });
  await schemas.open();
  expect(warnings(lines).map(({ message }) => message)).toEqual([expect.stringMatching(/^KEY_FORMAT=json, but/)]);
  const { store: unread, lines: quiet } = store(registry.url);
  await unread.open();
  expect(warnings(quiet)).toEqual([]);
});
