import { afterEach, expect, it, vi } from 'vitest';
import { describePostgres } from './postgres.js';
import type { Postgres } from './postgres-server.js';

/** A process that waits would notice that the server is gone, and end. */
const ENDLESS = 'DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$';

/** A connection whose query the server works on. */
async function busyConnection(postgres: Postgres, sql: string): Promise<{ answer: Promise<string[]> }> {
  const [database, other] = [await postgres.createDatabase(), await postgres.createDatabase()];
  const answer = postgres.query(database, sql);
  // A test that has failed has no use for it.
  answer.catch(() => {});
  const count = `SELECT count(*) FROM pg_stat_activity WHERE query = '${sql}'`;
  await vi.waitUntil(async () => (await postgres.query(other, count))[0] === '1');
  return { answer };
}

describePostgres('a Postgres of one test file', (postgres) => {
  afterEach(() => postgres().start());

  it('has a database for each test', async () => {
    const [one, other] = [await postgres().createDatabase(), await postgres().createDatabase()];
    await postgres().query(one, "CREATE TABLE t AS SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL");
    expect(await postgres().query(one, 'SELECT * FROM t ORDER BY a')).toEqual(['1|x', '2|']);
    await expect(postgres().query(other, 'SELECT * FROM t')).rejects.toThrow('relation "t" does not exist');
  });

  it('keeps what was committed, and its port, over a crash', async () => {
    const database = await postgres().createDatabase();
    await postgres().query(database, 'CREATE TABLE t AS SELECT 1 AS a');
    const { pid, port } = postgres();
    const { answer } = await busyConnection(postgres(), ENDLESS);
    await postgres().kill();
    await expect(answer).rejects.toThrow('server closed the connection unexpectedly');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(postgres().query(database, 'SELECT 1')).rejects.toThrow('Connection refused');
    await postgres().start();
    expect(postgres().pid).not.toBe(pid);
    expect(postgres().port).toBe(port);
    expect(postgres().log).toContain('automatic recovery in progress');
    expect(await postgres().query(database, 'SELECT a FROM t')).toEqual(['1']);
  });

  it('stops in order, and comes back', async () => {
    const database = await postgres().createDatabase();
    await postgres().stop();
    expect(() => postgres().pid).toThrow(`Postgres at 127.0.0.1:${postgres().port} is down`);
    expect(postgres().log).toContain('database system is shut down');
    await postgres().stop();
    await postgres().kill();
    await postgres().start();
    await postgres().start();
    expect(postgres().log).not.toContain('automatic recovery');
    expect(await postgres().query(database, 'SELECT 1')).toEqual(['1']);
  });

  it('answers nobody while it is paused, and then again', async () => {
    const database = await postgres().createDatabase();
    const { answer } = await busyConnection(postgres(), 'SELECT pg_sleep(1)');
    let answered = false;
    answer.then(() => {
      answered = true;
    });
    postgres().pause();
    await expect(postgres().query(`${database} connect_timeout=2`, 'SELECT 1')).rejects.toThrow('timeout expired');
    expect(answered).toBe(false);
    postgres().resume();
    expect(await answer).toEqual(['']);
    expect(await postgres().query(database, 'SELECT 1')).toEqual(['1']);
  });
});

describePostgres(
  'a Postgres with settings and a password',
  (postgres) => {
    it('takes the settings', async () => {
      const database = await postgres().createDatabase();
      expect(await postgres().query(database, 'SHOW fsync')).toEqual(['on']);
      expect(postgres().log).toContain('statement: SHOW fsync');
    });

    it('wants the password, as scram', async () => {
      const database = await postgres().createDatabase();
      const rule = 'SELECT DISTINCT auth_method FROM pg_hba_file_rules';
      expect(await postgres().query(database, rule)).toEqual(['scram-sha-256']);
      const without = database.replace(/password=.*(?= dbname)/, 'password=wrong');
      await expect(postgres().query(without, rule)).rejects.toThrow('password authentication failed');
    });
  },
  { settings: { fsync: 'on', log_statement: 'all' }, password: true },
);
