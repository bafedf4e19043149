import { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { order, select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

describe.skipIf(whyNoExtensions() !== undefined)('a lake of several processes', () => {
  describePostgres('in Postgres', (postgres) => {
    const newLake = async () => lakeOptions(temporaryDirectory(), `postgres:${await postgres().createDatabase()}`);

    it('remembers what the first of them says of the topic, however many speak at once', async () => {
      const options = await newLake();
      const sinks = [await openLakeSink(options), await openLakeSink(options), await openLakeSink(options)];
      const said = await Promise.all(
        sinks.map((sink, index) => {
          return sink.setIdentity({ clusterId: undefined, topicId: `topic-${index}`, firstPartitions: index + 1 });
        }),
      );
      expect(said).toEqual(new Array(3).fill(said[0]));
      const added = { clusterId: 'cluster', topicId: 'another', firstPartitions: 9 };
      const known = { ...said[0], clusterId: 'cluster' };
      expect(await sinks[0].setIdentity(added)).toEqual(known);
      expect(await select(sinks[1], 'SELECT cluster_id, topic_id, first_partitions FROM sluice.meta')).toEqual([
        ['cluster', known.topicId, known.firstPartitions],
      ]);
      await sinks[2].close();
      expect((await sinks[2].open()).identity).toEqual(known);
    });

    it('is told at once of a failure that only has the word conflict in it', async () => {
      const sink = await openLakeSink(await newLake());
      const run = DuckDBConnection.prototype.run;
      let attempts = 0;
      const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
        this: DuckDBConnection,
        ...args
      ) {
        if (!args[0].startsWith('UPDATE sluice.meta')) return await run.apply(this, args);
        attempts++;
        throw new Error(`Failed to execute query "UPDATE … 'conflict'": permission denied`);
      });
      onTestFinished(() => spy.mockRestore());
      const topic = { clusterId: 'conflict', topicId: 'conflict', firstPartitions: 1 };
      await expect(sink.setIdentity(topic)).rejects.toThrow('permission denied');
      expect(attempts).toBe(1);
    });

    it('has nothing of a partition that was released before the commit', async () => {
      const options = await newLake();
      const sink = await openLakeSink(options);
      const [{ epoch }] = await sink.claim([0, 1]);
      await sink.stage(await makeLakeBatch(options, 0, 0, [order('a')], { epoch }));
      await sink.stage(await makeLakeBatch(options, 1, 0, [order('b')], { epoch }));
      await sink.release([0]);
      expect((await sink.commit()).positions.map(({ partition }) => partition)).toEqual([1]);
      expect(await select(sink, 'SELECT change_id FROM cdc_orders')).toEqual([['b']]);
    });
  });
});
