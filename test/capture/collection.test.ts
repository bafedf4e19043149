import { BSON, MongoClient, Timestamp } from 'mongodb';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { documentOf, memberOf } from '../../src/capture/bson.js';
import { CapturedCollection } from '../../src/capture/collection.js';
import { startReplicaSet } from '../support/mongo/server.js';

it('reads a snapshot and a document from the primary, and no older ones than the stream', async () => {
  const server = await startReplicaSet();
  onTestFinished(() => server.kill());
  const client = await new MongoClient(server.uri).connect();
  onTestFinished(() => client.close());
  await client.db('shop').collection<{ _id: string }>('orders').insertOne({ _id: 'a' });
  const uri = `${server.uri}&readPreference=secondaryPreferred&readConcernLevel=local`;
  const options = { uri, database: 'shop', collection: 'orders' };
  const source = await CapturedCollection.connect(options, pino({ level: 'silent' }));
  onTestFinished(() => source.close());
  const time = await source.operationTime();
  /** As the server was asked, and forgets it. */
  const lastFind = async () => {
    const { $readPreference, readConcern } = await client.db('shop').command({ lastFind: 'orders' });
    await client.db('shop').collection('orders').findOne();
    return { $readPreference, readConcern };
  };
  const afterClusterTime = new Timestamp(BigInt(`0x${time}`));
  const expected = { $readPreference: undefined, readConcern: { level: 'majority', afterClusterTime } };
  const documents: BSON.Document[] = [];
  for await (const document of source.documents(time, undefined)) documents.push(BSON.deserialize(document));
  expect(documents).toEqual([{ _id: 'a' }]);
  expect(await lastFind()).toEqual(expected);
  const id = memberOf(documentOf(BSON.serialize({ _id: 'a' })), '_id')!;
  expect(await source.document(id, time)).toBeDefined();
  expect(await lastFind()).toEqual(expected);
}, 120_000);
