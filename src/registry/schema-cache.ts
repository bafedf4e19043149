/**
 * Schemas on disk, so that a start needs no registry for those that it has seen: an id has one schema for as long as
 * the registry lives.
 *
 *   <dataDir>/schemas/<registry>/<id>.json      the registry as a hash of its URL: another one has other ids
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../storage/data-dir.js';
import type { RegisteredSchema } from './client.js';

export class SchemaCache {
  readonly #folder: string;

  constructor(dataDir: string, url: string) {
    this.#folder = join(dataDir, 'schemas', createHash('sha256').update(url).digest('hex').slice(0, 16));
  }

  /** @returns undefined if it is not there, or damaged */
  read(id: number): RegisteredSchema | undefined {
    try {
      const schema = JSON.parse(readFileSync(this.#path(id), 'utf8')) as RegisteredSchema;
      return schema.id === id && typeof schema.text === 'string' ? schema : undefined;
    } catch {
      return undefined;
    }
  }

  /** Best effort: it is asked for again if it is not there. */
  write(schema: RegisteredSchema): void {
    const path = this.#path(schema.id);
    try {
      makeFolder(this.#folder);
      writeFileSync(`${path}.tmp`, JSON.stringify(schema));
      renameSync(`${path}.tmp`, path);
    } catch {
      // A full disk is reported by who cannot do without.
    }
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(id: number): string {
    return join(this.#folder, `${id}.json`);
  }
}
