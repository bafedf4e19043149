/** A capture that masks: no secret in Kafka, though it is killed, and the tables that `run` would have masked. */
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, Decimal128, MongoClient } from 'mongodb';
import { expect, it, onTestFinished } from 'vitest';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { startReplicaSet } from '../support/mongo/server.js';
import { consumeAll, createTopic } from '../support/produce.js';
import { capturedIs, captureEnv, LONG_MS, startCapture, stopCapture } from './capturing.js';
import type { Order } from './mongo-orders.js';
import { queryFile, refusal, runUntilEnd, verifies } from './support.js';

const SECRETS = 1000;
const SECRET = 'S3CR3T';
/** Secrets of a document. */
const PER_DOCUMENT = 8;
const ROLES = [
  { name: 'change_id', kind: 'text', required: true, role: 'change_id' },
  { name: 'operation', kind: 'text', role: 'operation' },
  { name: 'order_id', kind: 'text', required: true, role: 'key', mask: 'hmac' },
  { name: 'order_id_type', kind: 'text', role: 'key_type' },
];
const COLUMNS = [
  { name: 'email', path: 'contact.email', kind: 'text', mask: 'hmac' },
  { name: 'name', kind: 'text', mask: 'redact' },
  { name: 'card', kind: 'text', mask: { partial: { keep: 2 } } },
  { name: 'salary', kind: 'amount', mask: { truncate: { to: 1000 } } },
  { name: 'items', kind: 'json' },
];
const MASKS = [
  { path: 'items.owner', mask: 'hmac' },
  { path: 'doc.ssn', mask: 'drop' },
];

async function specs() {
  const folder = await temporaryDataDir();
  const write = (name: string, spec: object) => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify({ table: 'people_log', view: 'people', ...spec }));
    return path;
  };
  const key = join(folder, 'key');
  const secret = randomBytes(32).toString('hex');
  writeFileSync(key, secret);
  chmodSync(key, 0o600);
  const columns = [...ROLES, ...COLUMNS];
  const clear = columns.map(({ mask: _, ...column }: { mask?: unknown }) => column);
  const masked = { TABLE_SPEC: write('masked.json', { columns, masks: MASKS }), MASK_KEY_FILE: key };
  const hmac = (text: string) => createHmac('sha256', secret).update(text).digest('hex').slice(0, 32);
  const fewer = { ...masked, TABLE_SPEC: write('fewer.json', { columns, masks: MASKS.slice(1) }) };
  return { hmac, masked, fewer, clear: { TABLE_SPEC: write('clear.json', { columns: clear }) } };
}

function documentOf(n: number): Order {
  const secret = (name: string) => `${SECRET}-${name}-${n}`;
  return {
    ...{ _id: secret('id'), contact: { email: secret('email') }, name: secret('name'), card: [secret('card')] },
    salary: Decimal128.fromString(`${n * 7}.25`),
    items: [{ owner: secret('owner'), sku: 's' }, secret('text')],
    ...{ doc: { ssn: secret('ssn') }, status: 'created', order_id: secret('own') },
  };
}

const COUNT = SECRETS / PER_DOCUMENT;
const HALF = Math.floor(COUNT / 2);

/** Changes of the documents that are there, new ones, and one that is too large. */
async function write(people: Collection<Order>): Promise<void> {
  for (let n = HALF; n < COUNT; n++) {
    await people.insertOne(documentOf(n));
    const _id = `${SECRET}-id-${n - HALF}`;
    const $set = { 'contact.email': `${SECRET}-email-${n}`, 'items.0.owner': `${SECRET}-new-${n}`, status: 'paid' };
    await people.updateOne({ _id }, { $set });
    if (n % 3 === 0) await people.deleteOne({ _id });
    await sleep(5);
  }
  await people.insertOne({ _id: `${SECRET}-large`, name: SECRET, note: 'x'.repeat(5000) });
}

/** @returns what the processes printed */
async function killThrice(env: Record<string, string>): Promise<string[]> {
  const outputs: string[] = [];
  for (let kills = 0; kills < 3; kills++) {
    const capture = await CliProcess.start(['capture'], { env, timeoutMs: LONG_MS });
    await capture.line(/taking a snapshot|following the change stream/);
    await sleep(200);
    capture.kill('SIGKILL');
    const { stdout, stderr } = await capture.ended;
    outputs.push(stdout, stderr);
  }
  return outputs;
}

const ROWS = 'SELECT order_id, email, name, card, salary::VARCHAR, items FROM people ORDER BY order_id';

describeKafka('capture with masks', (bootstrap) => {
  /** A collection, and two topics of it: one in clear. */
  async function setUp() {
    // Large changes come in fragments.
    const server = await startReplicaSet({ version: 7, splitBytes: 500 });
    onTestFinished(() => server.kill());
    const client = await new MongoClient(server.uri).connect();
    onTestFinished(() => client.close());
    const { masked, fewer, clear, hmac } = await specs();
    const small = { TRANSACTION_EVENTS: '20', MAX_MESSAGE_BYTES: '2000', LOG_LEVEL: 'debug' };
    const { env, topic } = await captureEnv(bootstrap(), server.uri, 'masked', { ...small, ...masked });
    const clearTopic = uniqueTopic('clear');
    await createTopic(bootstrap(), clearTopic, 4);
    const clearEnv = { ...env, ...clear, KAFKA_TOPIC: clearTopic, DATA_DIR: await temporaryDataDir() };
    const people = client.db(topic).collection<Order>('orders');
    await people.insertMany(Array.from({ length: HALF }, (_, n) => documentOf(n)));
    return { env, clearEnv, masked, fewer, clear, hmac, topic, clearTopic, people };
  }

  it('brings no secret of 1,000 to Kafka, though it is killed, and run makes the same tables', {
    timeout: LONG_MS,
  }, async () => {
    const { env, clearEnv, masked, fewer, clear, hmac, topic, clearTopic, people } = await setUp();
    const maskedEnv = { ...env, MASK_CAPTURE: 'true' };
    const writes = write(people);
    const outputs = await killThrice(maskedEnv);
    const [capture, other] = await Promise.all([startCapture(maskedEnv), startCapture(clearEnv)]);
    await writes;
    // Not before both follow: a snapshot that was resumed would have it, and what came before it would come after it.
    await people.insertOne({ _id: 'last' });
    await capturedIs(bootstrap(), topic, hmac('last'));
    await capturedIs(bootstrap(), clearTopic, 'last');
    for (const process of [capture, other]) await stopCapture(process);
    const { stdout, stderr } = await capture.ended;
    outputs.push(stdout, stderr);
    const bytesIn = async (name: string) =>
      (await consumeAll(bootstrap(), name)).map(({ key, value }) => `${key} ${value}`).join('\n');
    for (const name of ['', '.tokens', '.oversize'].map((suffix) => topic + suffix)) {
      const text = await bytesIn(name);
      expect(text.length, name).toBeGreaterThan(100);
      outputs.push(text);
    }
    expect((await bytesIn(clearTopic)).includes(`${SECRET}-email-`)).toBe(true);
    for (const text of outputs) {
      expect(text.includes(SECRET), text.slice(0, 200)).toBe(false);
      expect(text.toLowerCase().includes(Buffer.from(SECRET).toString('hex'))).toBe(false);
    }

    const dataDir = await temporaryDataDir();
    const twice = await refusal(['run', '--until-end'], { ...env, DATA_DIR: dataDir });
    expect(twice.error).toMatch(/SLUICE_CONFIG.*were masked by `sluice capture`/);
    await runUntilEnd({ ...env, ...clear });
    await verifies({ ...env, ...clear });
    await runUntilEnd({ ...clearEnv, ...masked });
    const rows = await queryFile(env.DATA_DIR, ROWS);
    expect(rows).toEqual(await queryFile(clearEnv.DATA_DIR, ROWS));
    // One was too large.
    expect(rows).toHaveLength((await people.countDocuments()) - 1);

    for (const [attempt, problem] of [
      [env, /are masked: set MASK_CAPTURE=true/],
      [{ ...maskedEnv, KAFKA_TOPIC: clearTopic }, /are not masked, and stay so/],
      [{ ...maskedEnv, MASK_KEY_FILE: (await specs()).masked.MASK_KEY_FILE }, /was masked with another key/],
      [{ ...maskedEnv, ...fewer }, /lacks 1 of the 7 masks that the topic/],
    ] as const) {
      const { code, stderr } = await runCli(['capture'], { env: attempt });
      expect(code, stderr).toBe(2);
      expect(stderr).toMatch(problem);
    }
  });
});
