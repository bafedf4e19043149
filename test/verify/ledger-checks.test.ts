/** What the checks of the ledger look at, in directories that have more or fewer tables, and in a lake. */
import { beforeEach, expect, it } from 'vitest';
import { openSql, type SqlClient } from '../../src/query/sql-client.js';
import { REPLAYS } from '../../src/sinks/duckdb/replay-tables.js';
import type { CheckResult, VerifyScope } from '../../src/verify/check.js';
import { ledgerChecks, readScope } from '../../src/verify/ledger.js';
import { changeDatabase, retainIn, writtenDirectory } from '../support/verifying.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await writtenDirectory();
});

/** Does something with a client, and closes it. */
async function reading<T>(work: (client: SqlClient) => Promise<T>): Promise<T> {
  const client = await openSql(dataDir);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

const results = (other: Partial<VerifyScope> = {}): Promise<CheckResult[]> =>
  reading(async (client) => {
    const found: CheckResult[] = [];
    const scope = { ...(await readScope(client, dataDir)), ...other };
    for await (const result of ledgerChecks(client, scope)) found.push(result);
    return found;
  });

const names = async (other?: Partial<VerifyScope>) => (await results(other)).map(({ name }) => name);
const problems = async () => (await results()).flatMap((result) => result.problems);
const notes = async () => (await results()).flatMap((result) => result.notes);

const UNIQUE = 'change_id is unique in cdc_orders';
const EXPECTATIONS = 'the quarantine has the messages that the ledger counts for each expectation, less those replayed';
const RETIRED = 'sluice.retired has the changes that the ledger counts as having left';
const LEFT = 'no batch has lost more than it had, and its file only because of its age';
const REPLAYED = 'each replayed message is what the replay made of it, and not in the quarantine';

it('are those of what the directory has', async () => {
  expect(await names()).toEqual([
    'the ranges of each partition are contiguous',
    'each partition begins where its position says that it began',
    'consumed = merged + duplicate + quarantined + tombstone + marker in each batch',
    'each position is where the last batch of its partition ends',
    'cdc_orders has the rows that the ledger counts as merged',
    'sluice.markers has the markers that the ledger counts, each once',
    UNIQUE,
    'the quarantine has the messages that the ledger counts as quarantined',
    EXPECTATIONS,
  ]);
  await changeDatabase(dataDir, `${REPLAYS}; ALTER TABLE sluice.batches DROP COLUMN failed_expectations`);
  expect((await names()).slice(-2)).toEqual([
    'the quarantine has the messages that the ledger counts as quarantined',
    REPLAYED,
  ]);
  await retainIn(dataDir);
  const retained = await names();
  expect(retained).toContain('cdc_orders has the rows that the ledger counts as merged, less those that left');
  expect(retained.slice(-3)).toEqual([RETIRED, LEFT, REPLAYED]);
  const plain = await names({ changeId: undefined });
  expect(plain).toContain('each message is in cdc_orders once');
  expect(plain.slice(-2)).toEqual([LEFT, REPLAYED]);
  expect(await names({ lake: { dataPath: '/lake', isShared: false } })).not.toContain(LEFT);
});

it('know what has left because of its age', async () => {
  await retainIn(dataDir);
  await changeDatabase(
    dataDir,
    `INSERT INTO sluice.retired SELECT 'cdc_orders', kafka_partition, kafka_offset, change_id, change_seq
       FROM cdc_orders WHERE change_id = 'x';
     DELETE FROM cdc_orders WHERE change_id = 'x';
     DELETE FROM sluice.quarantine;
     UPDATE sluice.batches SET rows_retired = 1 WHERE partition_id = 1;
     UPDATE sluice.batches SET quarantine_retired = rows_quarantined, file_retired = file, file = NULL
       WHERE partition_id = 0 AND start_offset = 0;
     ${REPLAYS};
     INSERT INTO sluice.replays SELECT 'cdc_orders', n, 0, 'malformed', 'merged', '', now() FROM range(2) rows(n)`,
  );
  expect(await problems()).toEqual([]);
  expect((await notes()).slice(-2)).toEqual([
    'partition 0: 0 changes, 1 quarantined messages and 1 files left because of their age',
    'partition 1: 1 changes, 0 quarantined messages and 0 files left because of their age',
  ]);
  // The replayed one did not leave.
  await changeDatabase(dataDir, 'DELETE FROM cdc_orders WHERE kafka_partition = 0 AND kafka_offset = 0');
  expect(await problems()).toEqual([
    'partition 0: 2 rows, the ledger says 3',
    'partition 0, offset 0: it was replayed, and is no row',
  ]);
  await changeDatabase(dataDir, `UPDATE cdc_orders SET change_id = 'x' WHERE kafka_offset = 1`);
  expect(await problems()).toContain('x is there 2 times');
});

it('find replayed messages that are not what the replay made of them, before anything left', async () => {
  await changeDatabase(
    dataDir,
    `${REPLAYS}; INSERT INTO sluice.replays
       SELECT 'cdc_orders', 0, offset_, 'malformed', outcome, '', now()
       FROM (VALUES (0, 'merged'), (2, 'duplicate'), (5, 'marker'), (7, 'merged')) rows(offset_, outcome)`,
  );
  expect(await problems()).toEqual([
    'partition 0, offset 2: it was replayed, and is still in the quarantine',
    'partition 0, offset 5: it was replayed, and is no marker',
    'partition 0, offset 7: it was replayed, and is no row',
  ]);
});

it('count messages of an expectation that were replayed', async () => {
  await changeDatabase(
    dataDir,
    `UPDATE sluice.batches SET failed_expectations = MAP {'expectation:a': 2} WHERE partition_id = 1;
     UPDATE sluice.quarantine SET reason = 'expectation:a', partition_id = 1`,
  );
  const wrong = 'partition 1: 1 messages of expectation:a, the ledger says 2';
  expect(await problems()).toContain(wrong);
  await changeDatabase(
    dataDir,
    `${REPLAYS}; INSERT INTO sluice.replays VALUES ('cdc_orders', 1, 0, 'expectation:a', 'merged', '', now())`,
  );
  expect(await problems()).not.toContain(wrong);
});

it('tell which offsets an operator left out', async () => {
  await changeDatabase(dataDir, `UPDATE sluice.batches SET kind = 'gap' WHERE start_offset = 4`);
  expect(await notes()).toContainEqual(expect.stringMatching(/offsets 4 to 8 were gone from Kafka/));
  await changeDatabase(
    dataDir,
    `CREATE TABLE sluice.resets AS SELECT 0 AS partition_id, 4 AS from_offset, 8 AS to_offset, '8' AS asked,
       0 AS rows_removed, now() AS reset_at`,
  );
  expect((await notes())[0]).toMatch(/offsets 4 to 8 were not read: an operator went past them/);
});

it.each([
  ['postgres', 's3://bucket/lake/', { dataPath: 's3://bucket/lake', isShared: true }],
  ['duckdb', '/lake', { dataPath: '/lake', isShared: false }],
])('know a lake, with its catalog in %s', async (type, path, lake) => {
  const scope = await reading((client) =>
    readScope(
      {
        ...{ live: false, arrow: (sql) => client.arrow(sql), close: () => {} },
        query(sql) {
          if (sql.includes("type = 'ducklake'")) return client.query('SELECT 1');
          if (!sql.includes('ducklake_settings')) return client.query(sql);
          return client.query(`SELECT '${type}' AS catalog_type, '${path}' AS data_path`);
        },
      },
      dataDir,
    ),
  );
  expect(scope.lake).toEqual(lake);
});
