/** Changes to a lake beside its commits, which may be in their way: then they are made again. */
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { listFiles, sync } from '../../storage/data-dir.js';
import { isObjectStore } from '../../storage/object-store.js';
import { isLakeConflict } from './lake-errors.js';
import { isNamedByDuckLake, tableFolders, timeOfName } from './registered-files.js';

const ATTEMPTS = 5;
const PAUSE_MS = 200;
const INTERRUPT_EVERY_MS = 100;

export class BesideCommits {
  readonly #connection: DuckDBConnection;
  readonly #dataPath: string;
  #stopped = false;

  /** @param dataPath without a slash at the end */
  constructor(connection: DuckDBConnection, dataPath: string) {
    this.#connection = connection;
    this.#dataPath = dataPath;
  }

  /** A transaction whose files are durable before the catalog names them. */
  async write(work: () => Promise<unknown>): Promise<void> {
    await this.again(async () => {
      await this.#connection.run('BEGIN');
      try {
        await this.durably(work);
        await this.#connection.run('COMMIT');
      } catch (thrown) {
        await this.#connection.run('ROLLBACK').catch(() => {});
        throw thrown;
      }
    });
  }

  /** Does work of a transaction, whose files are durable when it is done. */
  async durably(work: () => Promise<unknown>): Promise<void> {
    const sinceMs = Date.now();
    await work();
    await this.#sync(sinceMs);
  }

  /** @param call one of DuckLake's functions */
  call(call: string): Promise<void> {
    return this.again(async () => void (await this.#connection.run(`CALL ${call}`)));
  }

  /** Interrupts what is under way, and what comes. @param running settles when all of it has ended */
  async giveUp(running: Promise<unknown>): Promise<void> {
    this.#stopped = true;
    // Again, as it may come between two statements.
    const interrupts = setInterval(() => this.#connection.interrupt(), INTERRUPT_EVERY_MS);
    this.#connection.interrupt();
    await running;
    clearInterval(interrupts);
  }

  /** Files of DuckLake that were made since. */
  async #sync(sinceMs: number): Promise<void> {
    if (isObjectStore(this.#dataPath)) return;
    const files = (await tableFolders(this.#connection, this.#dataPath)).flatMap(listFiles);
    const made = files.filter((path) => isNamedByDuckLake(path) && timeOfName(path) >= sinceMs);
    for (const path of new Set([...made, ...made.map((file) => dirname(file))])) sync(path);
  }

  /** Again if a commit was in its way. @param work leaves no transaction open */
  async again(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; !this.#stopped; attempt++) {
      try {
        return await work();
      } catch (thrown) {
        if (!isLakeConflict(thrown) || attempt === ATTEMPTS) throw thrown;
        await setTimeout(PAUSE_MS * attempt);
      }
    }
  }
}
