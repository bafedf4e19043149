/**
 * Files in which DuckLake writes down which rows of a file are deleted: in the folder of a table, before the COMMIT.
 *
 *   - DuckLake does not make them durable, and a catalog must not name a file that a power failure takes.
 *   - It removes them if a COMMIT fails, which may have taken effect, its answer being lost. A catalog that names a
 *     file that is gone cannot be read: so they are kept in memory, and put back at once.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { blobValue, type DuckDBBlobValue, type DuckDBConnection } from '@duckdb/node-api';
import { globLiteral, literal, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { sync, temporaryPath } from '../../storage/data-dir.js';
import { isObjectStore } from '../../storage/object-store.js';
import { tableFolder } from './registered-files.js';

/** Names have the time at which they were made, as a UUID of version 7: its first 8 digits change every 65.5 s. */
const PREFIX_MS = 2 ** 16;

export class DeleteFiles {
  readonly #connection: DuckDBConnection;
  readonly #dataPath: string;
  readonly #table: string;
  readonly #kept = new Map<string, Uint8Array>();

  /** @param connection for nothing else; of the lake's instance, but not of the lake */
  constructor(connection: DuckDBConnection, dataPath: string, spec: TableSpec) {
    this.#connection = connection;
    this.#dataPath = dataPath;
    this.#table = spec.table;
  }

  /**
   * Does work in a transaction; what it writes is durable and kept when it is done.
   * @param tables of Sluice that it deletes rows of; default: it is the table of changes
   */
  async during(transaction: DuckDBConnection, work: () => Promise<void>, tables?: readonly string[]): Promise<void> {
    const named = tables?.map((name) => ['sluice', name] as const) ?? [['main', this.#table] as const];
    const sinceMs = Date.now();
    const before = new Map<string, ReadonlySet<string>>();
    for (const [schema, table] of named) {
      const folder = await tableFolder(transaction, this.#dataPath, schema, table);
      before.set(folder, new Set(await this.#list(folder, sinceMs)));
    }
    await work();
    for (const [folder, known] of before) await this.#keep(folder, known, sinceMs);
  }

  async #keep(folder: string, known: ReadonlySet<string>, sinceMs: number): Promise<void> {
    const written = (await this.#list(folder, sinceMs)).filter((path) => !known.has(path));
    for (const [path, bytes] of await this.#read(written)) this.#kept.set(path, bytes);
    if (written.length === 0 || isObjectStore(folder)) return;
    for (const path of [...written, folder]) sync(path);
    if (known.size > 0) return;
    // The first one made the folders, too.
    for (let parent = dirname(folder); parent.startsWith(this.#dataPath); parent = dirname(parent)) sync(parent);
  }

  /** Puts back those that are gone of all transactions since the last that is known to have taken effect. */
  async restore(): Promise<void> {
    for (const [path, bytes] of this.#kept) {
      if (isObjectStore(path)) await this.#putObject(path, bytes);
      else if (!existsSync(path)) putFile(path, bytes);
    }
  }

  /** All that has happened is known. */
  forget(): void {
    this.#kept.clear();
  }

  close(): void {
    this.#connection.closeSync();
  }

  async #list(folder: string, sinceMs: number): Promise<string[]> {
    if (!isObjectStore(folder)) return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
    const patterns: string[] = [];
    for (let slot = Math.floor(sinceMs / PREFIX_MS); slot * PREFIX_MS <= Date.now(); slot++) {
      patterns.push(globLiteral(folder, `ducklake-${slot.toString(16).padStart(8, '0')}-*-delete.parquet`));
    }
    const rows = await rowsOf(this.#connection, `SELECT file FROM glob([${patterns.join(', ')}])`);
    return rows.map(({ file }) => String(file));
  }

  async #read(paths: readonly string[]): Promise<Map<string, Uint8Array>> {
    if (paths.length === 0) return new Map();
    if (!isObjectStore(paths[0])) return new Map(paths.map((path) => [path, readFileSync(path)]));
    const list = paths.map(literal).join(', ');
    const rows = await rowsOf(this.#connection, `SELECT filename, content FROM read_blob([${list}])`);
    return new Map(rows.map(({ filename, content }) => [String(filename), (content as DuckDBBlobValue).bytes]));
  }

  async #putObject(path: string, bytes: Uint8Array): Promise<void> {
    const connection = this.#connection;
    await connection.run('CREATE OR REPLACE TEMP TABLE restored AS SELECT $1::BLOB AS content', [blobValue(bytes)]);
    await connection.run(`COPY restored TO ${literal(path)} (FORMAT blob)`);
  }
}

function putFile(path: string, bytes: Uint8Array): void {
  const tempPath = temporaryPath(path);
  writeFileSync(tempPath, bytes);
  sync(tempPath);
  renameSync(tempPath, path);
  sync(dirname(path));
}
