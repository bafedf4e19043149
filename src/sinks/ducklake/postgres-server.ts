/** The Postgres of a catalog, beside the lake: SQL of its own, and locks. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import { connectionOf } from './settings.js';

/** What the catalog's database is attached as. */
const CATALOG = 'catalog_server';

/** Postgres's advisory locks: the letters of "sluice" as a number, and those after it. */
export const COMMIT_LOCK = 0x73_6c_75_69_63_65;
const OPENING_LOCK = COMMIT_LOCK + 1;
/** Of its own: a process that starts does not wait for one that keeps house, which can take long. */
export const HOUSEKEEPING_LOCK = COMMIT_LOCK + 2;

export interface LockTimes {
  /** How long it is waited for; then the work is done without it. */
  readonly waitMs: number;
  /** A process that stands still with the lock loses it after this. */
  readonly standstillMs: number;
}

const OPENING_TIMES: LockTimes = { waitMs: 60_000, standstillMs: 60_000 };

/** Has the password of the server, which DuckDB shows nowhere. */
const SECRET = 'lake_catalog';

/** What ATTACH takes. */
export interface AttachedCatalog {
  readonly path: string;
  /** Its options: `NAME value`. */
  readonly options: readonly string[];
}

/** Attaches the server, and keeps its password where ATTACH finds it. @returns how DuckLake gets there */
export async function attachServer(connection: DuckDBConnection, catalog: string): Promise<AttachedCatalog> {
  const { parameters, password } = connectionOf(catalog);
  const secret = password === undefined ? [] : [`SECRET ${SECRET}`];
  if (password !== undefined) {
    await connection.run(`CREATE SECRET ${SECRET} (TYPE postgres, PASSWORD ${literal(password)})`);
  }
  await connection.run(`ATTACH ${literal(parameters)} AS ${CATALOG} (${['TYPE postgres', ...secret].join(', ')})`);
  return { path: `postgres:${parameters}`, options: secret.map((option) => `META_${option}`) };
}

/** Rows of a query that Postgres answers. */
export function queryServer(connection: DuckDBConnection, sql: string): Promise<Record<string, unknown>[]> {
  return rowsOf(connection, queryText(sql));
}

export async function executeOnServer(connection: DuckDBConnection, sql: string): Promise<void> {
  await connection.run(`CALL postgres_execute('${CATALOG}', ${literal(sql)})`);
}

/**
 * Does the work under a lock, on a connection that serves for nothing else meanwhile.
 * @param work learns whether the lock is held: not if another process had it for long
 */
export async function withLock<T>(
  locking: DuckDBConnection,
  lock: number,
  times: LockTimes,
  work: (isHeld: boolean) => Promise<T>,
): Promise<T> {
  await locking.run('BEGIN');
  try {
    const isHeld = await takeLock(locking, lock, times);
    const kept = keepAlive(locking, times.standstillMs / 3);
    return await work(isHeld).finally(kept);
  } finally {
    await locking.run('ROLLBACK').catch(() => {});
  }
}

/** Only one process makes a lake, or what belongs to it, at a time: DuckLake does not expect two. */
export async function whileOpening<T>(instance: DuckDBInstance, work: () => Promise<T>): Promise<T> {
  const locking = await instance.connect();
  try {
    return await withLock(locking, OPENING_LOCK, OPENING_TIMES, work);
  } finally {
    locking.closeSync();
  }
}

/** For the transaction that has begun. @returns false if another process holds it for long */
async function takeLock(
  locking: DuckDBConnection,
  lock: number,
  { waitMs, standstillMs }: LockTimes,
): Promise<boolean> {
  const settings = { lock_timeout: waitMs, idle_in_transaction_session_timeout: standstillMs };
  const set = Object.entries(settings).map(([name, ms]) => `set_config('${name}', '${ms}ms', true) AS ${name}`);
  await locking.run(queryText(`SELECT ${set.join(', ')}`));
  try {
    await locking.run(queryText(`SELECT pg_advisory_xact_lock(${lock})`));
    return true;
  } catch (thrown) {
    if (!(thrown as Error).message.includes('lock timeout')) throw thrown;
    return false;
  }
}

/** Has the server see that this process does not stand still. @returns what ends that */
function keepAlive(locking: DuckDBConnection, everyMs: number): () => Promise<void> {
  let asking: Promise<unknown> = Promise.resolve();
  const ask = () => {
    asking = asking.then(() => locking.run(queryText('SELECT 1'))).catch(() => {});
  };
  const timer = setInterval(ask, everyMs);
  return async () => {
    clearInterval(timer);
    await asking;
  };
}

function queryText(sql: string): string {
  return `SELECT * FROM postgres_query('${CATALOG}', ${literal(sql)})`;
}
