/** Of many processes on a lake one keeps house at a time, by a lock in Postgres. Nothing rests on it. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import { METADATA } from './lake.js';
import { HOUSEKEEPING_LOCK } from './postgres-server.js';

export class HousekeepingLock {
  /** Its transaction holds the lock. */
  readonly #connection: DuckDBConnection;
  readonly #isShared: boolean;

  private constructor(connection: DuckDBConnection, isShared: boolean) {
    this.#connection = connection;
    this.#isShared = isShared;
  }

  /** @param isShared others write to the lake; if not, there is nothing to lock */
  static async open(instance: DuckDBInstance, isShared: boolean): Promise<HousekeepingLock> {
    return new HousekeepingLock(await instance.connect(), isShared);
  }

  /** Until it is released, or the process ends. @returns false if another process has it */
  async take(): Promise<boolean> {
    if (!this.#isShared) return true;
    await this.#connection.run('BEGIN');
    const sql = `SELECT pg_try_advisory_xact_lock(${HOUSEKEEPING_LOCK}) AS is_mine`;
    const [{ is_mine }] = await rowsOf(
      this.#connection,
      `SELECT is_mine FROM postgres_query('${METADATA}', ${literal(sql)})`,
    );
    return is_mine === true;
  }

  async release(): Promise<void> {
    await this.#connection.run('ROLLBACK').catch(() => {});
  }

  close(): void {
    this.#connection.closeSync();
  }
}
