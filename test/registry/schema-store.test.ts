import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SluiceError } from '../../src/core/errors.js';
import type { BatchTask } from '../../src/core/flow.js';
import type { SchemaStore, StoreOptions } from '../../src/registry/schema-store.js';
import { framed, ORDERS_AVRO } from '../support/avro.js';
import { chunkOfValues } from '../support/chunks.js';
import { FakeRegistry } from '../support/registry.js';
import { SUBJECT, store, UNREGISTERED, warnings } from '../support/schema-stores.js';

/** What a worker gets for a batch whose messages name these schemas. */
async function given(schemas: SchemaStore, ...ids: number[]): Promise<BatchTask> {
  return await givenUnless(new AbortController().signal, schemas, ...ids);
}

/** The same, of a batch that may be dropped. */
async function givenUnless(dropped: AbortSignal, schemas: SchemaStore, ...ids: number[]): Promise<BatchTask> {
  const chunks = [chunkOfValues(ids.map((id) => framed(id, 'x'))).handle()];
  const task = { partition: 0, startOffset: 0, nextOffset: ids.length, leaderEpoch: undefined, issueBits: [], chunks };
  return await schemas.prepare(task, dropped);
}

describe('a batch', () => {
  it('gets its schemas, each of which is asked for once', async () => {
    const registry = await FakeRegistry.start();
    const ids = [registry.register(SUBJECT, ORDERS_AVRO), registry.register('x', '"string"')];
    const { store: schemas } = store(registry.url);
    const tasks = await Promise.all([given(schemas, ids[0]), given(schemas, ids[1], ids[0], ids[1])]);
    expect(tasks[0].schemas).toMatchObject([{ id: ids[0], text: JSON.stringify(ORDERS_AVRO) }]);
    expect(tasks[1].schemas!.map(({ id }) => id)).toEqual(ids);
    await given(schemas, ...ids);
    expect(registry.requests.filter((path) => /ids\/\d+$/.test(path)).sort()).toEqual([
      `/schemas/ids/${ids[0]}`,
      `/schemas/ids/${ids[1]}`,
    ]);
  });

  it('gets the schemas that its own refer to, in the order in which they can be read', async () => {
    const registry = await FakeRegistry.start();
    const record = (name: string, type: string) => ({ type: 'record', name, fields: [{ name: 'f', type }] });
    registry.register('c', record('C', 'string'));
    registry.register('b', record('B', 'C'), { references: [{ name: 'C', subject: 'c', version: 1 }] });
    const a = registry.register('a', record('A', 'B'), { references: [{ name: 'B', subject: 'b', version: 1 }] });
    const [schema] = (await given(store(registry.url).store, a)).schemas!;
    expect(schema.references.map((text) => (JSON.parse(text) as { name: string }).name)).toEqual(['C', 'B']);
  });

  it('waits while the registry is down, and others do not', async () => {
    const registry = await FakeRegistry.start();
    const ids = [registry.register(SUBJECT, ORDERS_AVRO), registry.register('x', '"string"')];
    const { store: schemas, lines, counted } = store(registry.url);
    await given(schemas, ids[0]);
    expect(schemas.waitingFor).toBeUndefined();
    await registry.down();
    const waiting = given(schemas, ids[1]);
    await vi.waitFor(() => expect(counted.errors).toBeGreaterThan(1));
    expect(schemas.waitingFor).toMatch(/schema registry .* cannot be used: connect ECONNREFUSED/);
    expect(schemas.waitingBatches).toBe(1);
    expect((await given(schemas, ids[0])).schemas).toHaveLength(1);
    registry.broken = 500;
    await registry.up();
    await vi.waitFor(() => expect(schemas.waitingFor).toMatch('HTTP 500'), 10_000);
    registry.broken = undefined;
    expect((await waiting).schemas).toMatchObject([{ id: ids[1] }]);
    expect(schemas.waitingFor).toBeUndefined();
    expect(schemas.waitingBatches).toBe(0);
    expect(warnings(lines).filter(({ message }) => /cannot be used/.test(message))).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'the schema registry answers again' });
  });

  it('waits no longer once it is dropped, and what becomes of its id is of no consequence', async () => {
    const registry = await FakeRegistry.start();
    const { store: schemas, counted } = store(registry.url);
    await registry.down();
    const dropped = new AbortController();
    const waiting = givenUnless(dropped.signal, schemas, UNREGISTERED);
    await vi.waitFor(() => expect(counted.errors).toBeGreaterThan(0));
    dropped.abort();
    await expect(waiting).rejects.toThrow('aborted');
    expect(schemas.waitingBatches).toBe(0);
    expect(schemas.waitingFor).toBeUndefined();
    await registry.up();
    await vi.waitFor(() => expect(registry.requests).toContain(`/schemas/ids/${UNREGISTERED}`), 10_000);
  });

  it('waits for an id that a replica does not have yet', async () => {
    const registry = await FakeRegistry.start();
    const { store: schemas } = store(registry.url, { unknownWaitMs: 60_000 });
    const waiting = given(schemas, UNREGISTERED);
    await vi.waitFor(() => expect(schemas.waitingFor).toMatch(`does not know the schema id ${UNREGISTERED}`));
    registry.register(SUBJECT, ORDERS_AVRO, { id: UNREGISTERED });
    expect((await waiting).schemas).toMatchObject([{ id: UNREGISTERED }]);
    expect(schemas.waitingFor).toBeUndefined();
  });

  it('waits if it is not the registry that does not know an id', async () => {
    const registry = await FakeRegistry.start();
    const id = registry.register(SUBJECT, ORDERS_AVRO);
    registry.broken = 404;
    const { store: schemas } = store(registry.url);
    const waiting = given(schemas, id);
    await vi.waitFor(() => expect(schemas.waitingFor).toMatch(/HTTP 404 for .*broken/));
    registry.broken = undefined;
    expect((await waiting).schemas).toMatchObject([{ id, text: JSON.stringify(ORDERS_AVRO) }]);
  });

  it('ends the run if an id stays unknown, or its schema is of another kind', async () => {
    const registry = await FakeRegistry.start();
    const json = registry.register('j', {}, { type: 'JSON' });
    const broken = registry.register('b', { type: 'record', name: 'R', fields: [{ name: 'f', type: 'Missing' }] });
    const { store: schemas } = store(registry.url);
    const failure = (id: number) =>
      given(schemas, id).then(
        () => undefined,
        ({ code, message }: SluiceError) => `${code} ${message}`,
      );
    expect(await failure(UNREGISTERED)).toMatch(/SLUICE_UNKNOWN_SCHEMA .* does not know the schema id 77\. Nothing/);
    expect(await failure(json)).toMatch(`its schema ${json} is JSON, VALUE_FORMAT=avro`);
    expect(await failure(broken)).toMatch('the type "Missing" is not defined');
  });

  it('gets no schema for an unknown id if it is to be quarantined', async () => {
    const registry = await FakeRegistry.start();
    const { store: schemas, lines } = store(registry.url, { onUnknownSchema: 'quarantine' });
    for (const _ of [1, 2]) {
      expect((await given(schemas, UNREGISTERED)).schemas).toEqual([
        { ref: UNREGISTERED, id: UNREGISTERED, text: undefined, references: [] },
      ]);
    }
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('asks again once a minute for an id that could not be used, without a wait', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const registry = await FakeRegistry.start();
    const { store: schemas, lines } = store(registry.url, { onUnknownSchema: 'quarantine' });
    const text = async () => (await given(schemas, UNREGISTERED)).schemas![0].text;
    const asked = () => registry.requests.filter((url) => url === `/schemas/ids/${UNREGISTERED}`).length;
    expect(await text()).toBeUndefined();
    vi.advanceTimersByTime(60_000);
    expect([await text(), await text()]).toEqual([undefined, undefined]);
    expect(asked()).toBe(2);
    registry.register(SUBJECT, ORDERS_AVRO, { id: UNREGISTERED });
    vi.advanceTimersByTime(59_999);
    expect(await text()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await text()).toBe(JSON.stringify(ORDERS_AVRO));
    vi.advanceTimersByTime(60_000);
    expect(await text()).toBe(JSON.stringify(ORDERS_AVRO));
    expect(asked()).toBe(3);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    const told = `the schema registry has the schema id ${UNREGISTERED} now: its messages are read`;
    expect(lines.filter(({ message }) => message === told)).toHaveLength(1);
  });

  it('does not wait for an id that could not be used while the registry is down', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const registry = await FakeRegistry.start();
    const { store: schemas, counted } = store(registry.url, { onUnknownSchema: 'quarantine' });
    const text = async () => (await given(schemas, UNREGISTERED)).schemas![0].text;
    expect(await text()).toBeUndefined();
    await registry.down();
    for (const errors of [1, 2]) {
      vi.advanceTimersByTime(60_000);
      expect([await text(), await text()]).toEqual([undefined, undefined]);
      expect(counted.errors).toBe(errors);
    }
    await registry.up();
    registry.register(SUBJECT, ORDERS_AVRO, { id: UNREGISTERED });
    vi.advanceTimersByTime(60_000);
    expect(await text()).toBe(JSON.stringify(ORDERS_AVRO));
  });

  it('asks for no more than a thousand ids at a time, however many damaged messages name', async () => {
    const registry = await FakeRegistry.start();
    const { store: schemas, counted } = store(registry.url, { onUnknownSchema: 'quarantine' });
    registry.broken = 500;
    const ids = Array.from({ length: 1100 }, (_, index) => UNREGISTERED + index);
    const waiting = given(schemas, ...ids);
    await vi.waitFor(() => expect(counted.errors).toBeGreaterThan(1500), 20_000);
    expect(new Set(registry.requests).size).toBe(1000);
    registry.broken = undefined;
    expect((await waiting).schemas!.map(({ id }) => id)).toEqual(ids);
    // Of a hundred of them, what was found is no longer kept.
    registry.requests.length = 0;
    await given(schemas, ...ids);
    expect(registry.requests.length).toBeGreaterThanOrEqual(100);
  }, 30_000);

  it('of JSON Schema never waits', async () => {
    const registry = await FakeRegistry.start();
    const { store: schemas } = store(registry.url, { valueFormat: 'json-schema', unknownWaitMs: 60_000 });
    await registry.down();
    expect((await given(schemas, UNREGISTERED)).schemas).toEqual([]);
    expect(schemas.waitingBatches).toBe(0);
  });
});

it('a start needs no registry for schemas that it has seen, and those of another registry are others', async () => {
  const registry = await FakeRegistry.start();
  const id = registry.register(SUBJECT, ORDERS_AVRO);
  const first = store(registry.url);
  await given(first.store, id);
  await registry.down();
  const second = store(registry.url, { dataDir: first.dataDir });
  await second.store.open();
  expect(warnings(second.lines)[0].message).toMatch('batches of schemas that are not known yet will wait');
  expect((await given(second.store, id)).schemas).toMatchObject([{ id, text: JSON.stringify(ORDERS_AVRO) }]);
  const other = await FakeRegistry.start();
  other.register(SUBJECT, '"string"', { id });
  const third = store(other.url, { dataDir: first.dataDir });
  expect((await given(third.store, id)).schemas).toMatchObject([{ text: '"string"' }]);
});

it('a registry that was set up anew has other schemas of the same ids', async () => {
  const registry = await FakeRegistry.start();
  const ids = [registry.register(SUBJECT, ORDERS_AVRO), registry.register('x', '"int"')];
  const first = store(registry.url);
  await given(first.store, ...ids);
  const same = store(registry.url, { dataDir: first.dataDir });
  await same.store.open();
  expect(warnings(same.lines)).toEqual([]);
  registry.clear();
  registry.register(SUBJECT, '"string"', { id: ids[0] });
  registry.register('x', '"long"', { id: ids[1] });
  const second = store(registry.url, { dataDir: first.dataDir });
  await second.store.open();
  expect(warnings(second.lines)[0].message).toMatch(`has another schema of id ${ids[0]} than before`);
  expect((await given(second.store, ids[1])).schemas).toMatchObject([{ text: '"long"' }]);
});

describe('a start', () => {
  it('is refused with certificates that cannot be used, and by what is no TLS', async () => {
    const registry = await FakeRegistry.start();
    const url = registry.url.replace('http:', 'https:');
    const refusal = (more: Partial<StoreOptions>) => expect(store(url, more).store.open()).rejects;
    const code = 'SLUICE_REGISTRY';
    await refusal({ ca: 'no PEM' }).toMatchObject({ code, message: expect.stringMatching(/no PEM files that belong/) });
    await refusal({ key: 'no PEM' }).toMatchObject({
      code,
      message: expect.stringMatching(/no PEM files that belong/),
    });
    await refusal({}).toMatchObject({ code, message: expect.stringMatching(/there is no TLS: is it http:\/\/\?/) });
  });

  it('is refused without access', async () => {
    const registry = await FakeRegistry.start();
    registry.auth = 'me:secret';
    const wrong = store(registry.url, { user: 'me', password: 'public' });
    await expect(wrong.store.open()).rejects.toMatchObject({
      code: 'SLUICE_REGISTRY',
      message: expect.stringMatching(/refuses access \(HTTP 401\): correct SCHEMA_REGISTRY_USER/),
    });
    await store(registry.url, { user: 'me', password: 'secret' }).store.open();
  });

  it('names what the spec cannot read of the newest schema, and a new schema what of that', async () => {
    const registry = await FakeRegistry.start();
    const fields = (type: unknown) => [
      { name: 'change_id', type: 'string' },
      { name: 'order_id', type: 'string' },
      { name: 'amount', type },
    ];
    const schema = (of: unknown) => ({ type: 'record', name: 'Order', fields: fields(of) });
    registry.register(SUBJECT, schema('long'));
    const latest = registry.register(SUBJECT, schema(['null', 'boolean']));
    const { store: schemas, lines, counted } = store(registry.url);
    await schemas.open();
    const warned = () => warnings(lines).map(({ fields, message }) => [fields, message.split(': ').at(-1)]);
    const ofLatest = { column: 'amount', field: 'amount', schemaId: latest, subject: SUBJECT, version: 2 };
    expect(warned().map(([of]) => of)).toEqual([ofLatest]);
    expect(warnings(lines)[0].message).toMatch('kind amount cannot take boolean');
    await given(schemas, latest);
    const lacking = { ...schema('long'), fields: fields('long').slice(1) };
    const next = registry.register(SUBJECT, lacking);
    await given(schemas, next);
    await vi.waitFor(() => expect(warned()).toHaveLength(2));
    expect(warned()[1][0]).toEqual({
      column: 'change_id',
      field: 'change_id',
      schemaId: next,
      subject: SUBJECT,
      version: 3,
    });
    expect(counted.unreadable).toBe(2);
  });
});
