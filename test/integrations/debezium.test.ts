/** Debezium's connector for PostgreSQL, and what `sluice run` makes of its topics. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { committedSome, queryFile, runEnv, runUntilEnd, startRun } from '../e2e/support.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { type Connect, FETCH_TIMEOUT_MS, jsonConverters, startConnect } from '../support/connect/connect.js';
import { change, ITEMS, insertion, itemRows, itemsSpec, STATE, stateRow } from '../support/connect/items.js';
import { describePrivateKafka } from '../support/kafka/shared.js';
import { describePostgres } from '../support/postgres.js';
import { consumeAll, endOffsets } from '../support/produce.js';
import { Random } from '../support/random.js';

const LONG = { timeout: 600_000 };

describePostgres(
  'Debezium',
  (postgres) => {
    describePrivateKafka('for PostgreSQL', (broker) => {
      let folder: string;
      let connect: Connect;
      beforeAll(async () => {
        folder = await mkdtemp(path.join(tmpdir(), 'sluice-connect-'));
        connect = await startConnect(broker().bootstrap, folder, ['debezium-postgres']);
      }, FETCH_TIMEOUT_MS);
      afterAll(async () => {
        await connect?.kill();
        await rm(folder, { recursive: true, force: true });
      });

      /** A database with a table, and a connector that follows it from a snapshot on. */
      async function setUp(name: string, rows: number, settings: Record<string, string>) {
        const connection = await postgres().createDatabase();
        await postgres().query(connection, ITEMS);
        await postgres().query(connection, insertion(0, rows));
        const field = (key: string) => new RegExp(`${key}=(\\S+)`).exec(connection)![1];
        await connect.configure(name, {
          'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
          'plugin.name': 'pgoutput',
          'database.hostname': '127.0.0.1',
          'database.port': `${postgres().port}`,
          'database.user': field('user'),
          'database.password': 'not asked for',
          'database.dbname': field('dbname'),
          'schema.include.list': 'shop',
          'slot.name': name,
          'topic.prefix': name,
          'topic.creation.default.replication.factor': '1',
          'topic.creation.default.partitions': '3',
          ...settings,
        });
        const topic = `${name}.shop.items`;
        /** Waits until the topic has so many messages. */
        const has = (messages: number) =>
          vi.waitFor(
            async () => {
              const ends = await endOffsets(broker().bootstrap, topic);
              expect(ends.reduce((sum, end) => sum + end, 0)).toBe(messages);
            },
            { timeout: 300_000, interval: 500 },
          );
        await has(rows);
        return { connection, topic, has };
      }

      it('makes a message of each change, and a tombstone after a delete', LONG, async () => {
        const { connection, topic, has } = await setUp('forms', 1, jsonConverters(false));
        const sql = (text: string) => postgres().query(connection, text);
        await sql(`UPDATE shop.items SET amount = -0.5, day = '2024-02-29', updated = '2024-02-29 12:00:00.5+02'`);
        await sql('UPDATE shop.items SET id = 7');
        await has(5);
        const messages = (await consumeAll(broker().bootstrap, topic)).map(({ key, value }) => ({
          key: JSON.parse(String(key)),
          value: value && JSON.parse(String(value)),
        }));
        const of = (id: number) => messages.filter(({ key }) => key.id === id).map(({ value }) => value);
        const [snapshot, update, gone, tombstone] = of(0);
        expect([snapshot.op, update.op, gone.op, tombstone, ...of(7).map(({ op }) => op)]).toEqual([
          ...['r', 'u', 'd', null],
          'c',
        ]);
        expect(update).toMatchObject({
          before: null,
          after: { id: 0, amount: '7Hg=', day: 19782, updated: '2024-02-29T10:00:00.500000Z' },
          source: { connector: 'postgresql', schema: 'shop', table: 'items' },
        });
        expect(gone).toMatchObject({ before: { id: 0, amount: null }, after: null });
        // One number for both: a change is known by it and the key.
        expect(of(7)[0].source.lsn).toBe(gone.source.lsn);
      });

      describe.each([
        ['without schemas', 'plain', [], 30],
        ['with schemas', 'schemas', ['payload'], 1],
      ] as const)('messages %s', (_, name, payload, rounds) => {
        it('end as the table, value by value, however often the run is killed', LONG, async () => {
          const { connection, topic, has } = await setUp(name, 1000, jsonConverters(payload.length > 0));
          const dataDir = await temporaryDataDir();
          const spec = path.join(dataDir, 'spec.json');
          await writeFile(spec, JSON.stringify(itemsSpec(payload)));
          const env = runEnv(broker().bootstrap, topic, path.join(dataDir, 'data'), { TABLE_SPEC: spec });
          const random = new Random(3);
          let messages = 1000;
          let isChanging = true;
          const changes = (async () => {
            for (let round = 0; round < rounds; round++) messages += await change(postgres(), connection, round);
            isChanging = false;
          })();
          for (let kills = 0; kills < 3 || isChanging; kills++) {
            const run = await startRun(env);
            if (kills === 0) await committedSome(env.DATA_DIR, Number.POSITIVE_INFINITY);
            await sleep(random.below(2000));
            run.kill('SIGKILL');
            await run.ended;
          }
          await changes;
          if (rounds > 1) expect(messages).toBeGreaterThan(50_000);
          await has(messages);
          await runUntilEnd(env);
          expect((await runCli(['verify'], { env })).code).toBe(0);
          const state = new Map((await queryFile(env.DATA_DIR, STATE)).map(stateRow));
          expect(state).toEqual(await itemRows(postgres(), connection));
          const [[issues]] = await queryFile(env.DATA_DIR, 'SELECT count(*)::INTEGER FROM cdc_items WHERE issues <> 0');
          expect(issues).toBe(0);
        });
      });
    });
  },
  { settings: { wal_level: 'logical' } },
);
