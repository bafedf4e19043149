/** The MongoDB connectors of Debezium and of MongoDB, and what `sluice run` makes of their topics with its presets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Collection, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Order, write } from '../e2e/mongo-orders.js';
import { queryFile, runEnv, runUntilEnd } from '../e2e/support.js';
import { temporaryDataDir } from '../support/cli.js';
import { type Connect, FETCH_TIMEOUT_MS, jsonConverters, startConnect } from '../support/connect/connect.js';
import { describePrivateKafka } from '../support/kafka/shared.js';
import { type Secantus, startSecantus } from '../support/mongo/secantus.js';
import { consumeAll } from '../support/produce.js';
import { whyNoPython } from '../support/python.js';
import { Random } from '../support/random.js';

const LONG = { timeout: 600_000 };
const TEXT = Object.fromEntries(
  ['key', 'value'].map((part) => [`${part}.converter`, 'org.apache.kafka.connect.storage.StringConverter']),
);
const DEBEZIUM = 'io.debezium.connector.mongodb.MongoDbConnector';
const MONGODB = 'com.mongodb.kafka.connect.MongoSourceConnector';

describe.skipIf(whyNoPython() !== undefined)('connectors for MongoDB', () => {
  describePrivateKafka('of a collection of orders', (broker) => {
    let folder: string;
    let server: Secantus;
    let client: MongoClient;
    let connect: Connect;
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'sluice-connect-'));
      server = await startSecantus();
      client = await new MongoClient(server.uri).connect();
      connect = await startConnect(broker().bootstrap, folder, ['debezium-mongodb', 'mongodb']);
    }, FETCH_TIMEOUT_MS);
    afterAll(async () => {
      await connect?.kill();
      await client?.close();
      await server?.kill();
      await rm(folder, { recursive: true, force: true });
    });

    /** Random orders and changes of them, up to a last one. */
    async function change(orders: Collection<Order>, seed: number, last: string): Promise<void> {
      const random = new Random(seed);
      for (let n = 0; n < 500; n++) await write(orders, random);
      await orders.insertOne({ _id: last });
    }

    async function rowsOf(orders: Collection<Order>) {
      const documents = await orders.find().toArray();
      return documents.map(({ _id, customer, amount, status }) => [
        _id,
        (customer as { id: string } | undefined)?.id ?? null,
        amount === undefined ? null : Number(amount).toFixed(4),
        status ?? null,
      ]);
    }

    it.each([
      ['debezium', 'debezium-mongodb', { 'connector.class': DEBEZIUM, ...jsonConverters(false) }],
      ['schemas', 'debezium-mongodb', { 'connector.class': DEBEZIUM, ...jsonConverters(true) }],
      [
        'images',
        'debezium-mongodb',
        {
          'connector.class': DEBEZIUM,
          'capture.mode': 'change_streams_update_full_with_pre_image',
          ...jsonConverters(false),
        },
      ],
      ['events', 'mongodb-connector', { 'connector.class': MONGODB, ...TEXT }],
      [
        'structs',
        'mongodb-connector',
        { 'connector.class': MONGODB, 'output.format.value': 'schema', ...jsonConverters(true) },
      ],
      [
        'documents',
        'mongodb-connector-documents',
        {
          'connector.class': MONGODB,
          'publish.full.document.only': 'true',
          'publish.full.document.only.tombstone.on.delete': 'true',
          ...TEXT,
        },
      ],
    ] as const)('end as the collection: %s', LONG, async (name, preset, settings) => {
      const orders = client.db(name).collection<Order>('orders');
      await change(orders, 1, 'before');
      await connect.configure(name, {
        'topic.prefix': name,
        'topic.creation.default.replication.factor': '1',
        'topic.creation.default.partitions': '1',
        ...(settings['connector.class'] === DEBEZIUM
          ? { 'mongodb.connection.string': server.uri, 'collection.include.list': `${name}.orders` }
          : {
              'connection.uri': server.uri,
              database: name,
              collection: 'orders',
              'startup.mode': 'copy_existing',
              'change.stream.full.document': 'updateLookup',
            }),
        ...settings,
      });
      const topic = `${name}.${name}.orders`;
      const has = (id: string) =>
        vi.waitFor(
          async () => {
            const keys = (await consumeAll(broker().bootstrap, topic)).map(({ key }) => String(key));
            expect(keys.some((key) => key.includes(id))).toBe(true);
          },
          { timeout: 120_000, interval: 500 },
        );
      await has('before');
      await change(orders, 2, 'after');
      await has('after');
      const settingsOfRun = { TABLE_SPEC: `preset:${preset}` };
      const env = runEnv(broker().bootstrap, topic, await temporaryDataDir(), settingsOfRun);
      expect(await runUntilEnd(env)).toMatchObject({ quarantined: 0 });
      const state = await queryFile(env.DATA_DIR, 'SELECT order_id, customer_id, amount::VARCHAR, status FROM orders');
      expect(state.sort()).toEqual((await rowsOf(orders)).sort());
    });
  });
});
