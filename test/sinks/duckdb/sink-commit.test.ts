/** What a sink leaves to its next commit, to the next start, and to who reads what it did. */
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { publish } from '../../../src/sinks/duckdb/recovery.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { Upkeep } from '../../../src/sinks/duckdb/upkeep.js';
import { makeBatch, openSink, order, select, sinkOptions, temporaryDirectory, token } from '../../support/batches.js';
import { failAt } from '../../support/failing-statement.js';
import { holdClose } from '../../support/held-close.js';
import { nameOf, parquetFiles, verified } from '../../support/recovering.js';
import { queryDatabase } from '../../support/verifying.js';

it('a change that is there is found after others with earlier ids', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  const found: unknown[] = [];
  for (const [offset, id] of [8, 6, 7, 8].entries()) {
    await sink.stage(await makeBatch(dataDir, 0, offset, [order(token(id))]));
    const { merged, duplicate } = (await sink.commit()).stats;
    found.push([merged, duplicate]);
  }
  expect(found).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
    [0, 1],
  ]);
});

it.each([
  ['was not done', false, []],
  ['was done', true, [nameOf(0, 0, 1)]],
] as const)('a COMMIT that fails leaves its files to the next start: it %s', async (_, isDone, files) => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  failAt(/^COMMIT$/, new Error('no answer'), { isDone });
  await expect(sink.commit()).rejects.toMatchObject({
    ...{ code: 'SLUICE_SINK', retryable: false, message: 'a commit group cannot be committed: no answer' },
  });
  expect(parquetFiles(dataDir)).toEqual([nameOf(0, 0, 1)]);
  await sink.close();
  const next = await openSink(dataDir);
  expect(parquetFiles(dataDir)).toEqual(files);
  expect(await next.claim([0])).toMatchObject([{ nextOffset: files.length }]);
  expect(await select(next, 'SELECT count(*)::INTEGER FROM cdc_orders')).toEqual([[files.length]]);
  await next.close();
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('what is under way is waited for at the end, and nothing begins beside it', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  const committing = sink.commit();
  await sink.stage(await makeBatch(dataDir, 0, 1, [order(token(2))]));
  await setImmediate();
  const end = holdClose(Upkeep.prototype);
  const closing = sink.close();
  expect(await committing).toMatchObject({ stats: { merged: 1 } });
  const refused = { code: 'SLUICE_QUERY', message: 'the running process is ending' };
  await expect(sink.commit()).rejects.toMatchObject(refused);
  await expect(sink.claim([0])).rejects.toMatchObject(refused);
  end();
  await closing;
  expect(await queryDatabase(dataDir, 'SELECT count(*)::INTEGER FROM cdc_orders')).toEqual([[1]]);
});

it.each([
  ['a claim', (sink: DuckDbSink) => sink.claim([0])],
  ['the start of a partition', (sink) => sink.initPositions([{ partition: 5, nextOffset: 0, reason: 'earliest' }])],
  ['the topic', (sink) => sink.setIdentity({ clusterId: 'c', topicId: 't', firstPartitions: 2 })],
])('%s is waited for at the end, too', async (_, call) => {
  const sink = await openSink(temporaryDirectory());
  const steps: string[] = [];
  const called = call(sink).then(() => steps.push('called'));
  await setImmediate();
  await Promise.all([sink.close().then(() => steps.push('closed')), called]);
  expect(steps).toEqual(['called', 'closed']);
});

it('a batch that cannot be staged is not committed', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { mergeFrom: 'arrow' });
  const batch = await makeBatch(dataDir, 0, 0, [order(token(1))]);
  await expect(sink.stage({ ...batch, arrow: batch.arrow!.slice(0, 100) })).rejects.toMatchObject({
    ...{ code: 'SLUICE_SINK', message: expect.stringMatching(/^a batch cannot be staged: /) },
  });
  await sink.stage(batch);
  expect(await sink.commit()).toMatchObject({ stats: { batches: 1, merged: 1 } });
});

it('the times of staging and of the commit are told in seconds', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  const batch = await makeBatch(dataDir, 0, 0, [order(token(1))]);
  const clock = vi.spyOn(performance, 'now');
  onTestFinished(() => clock.mockRestore());
  let nowMs = 100_000;
  clock.mockImplementation(() => {
    nowMs += 500;
    return nowMs;
  });
  await sink.stage(batch);
  const { stats, commitSeconds } = await sink.commit();
  // Its merge of the newest state looks at the clock, too.
  expect([stats.stageSeconds, commitSeconds >= 0.5, commitSeconds < 20]).toEqual([0.5, true, true]);
});

it('the topic is known after the next start, and a directory that is not opened is left to others', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  const identity = { clusterId: 'c', topicId: 't', firstPartitions: 2 };
  expect(await sink.setIdentity(identity)).toEqual(identity);
  await sink.close();
  await expect(new DuckDbSink({ ...sinkOptions(dataDir), topic: 'other' }).open()).rejects.toMatchObject({
    code: 'SLUICE_CONFIG',
  });
  expect(await queryDatabase(dataDir, 'SELECT topic_id FROM sluice.meta')).toEqual([['t']]);
  const next = new DuckDbSink(sinkOptions(dataDir));
  expect((await next.open()).identity).toEqual(identity);
  const start = { partition: 3, nextOffset: 5 };
  expect(await next.initPositions([{ ...start, reason: 'new_partition' }])).toMatchObject([start]);
  await next.close();
});

it('files without a database are not a new directory', async () => {
  const dataDir = temporaryDirectory();
  publish([(await makeBatch(dataDir, 0, 0, [order(token(1))])).file!]);
  const opening = new DuckDbSink(sinkOptions(dataDir)).open();
  await expect(opening).rejects.toMatchObject({ code: 'SLUICE_UNEXPLAINED_FILES' });
  expect(readdirSync(dataDir)).toEqual(['parquet']);
});
