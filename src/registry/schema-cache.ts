/**
 * Schemas on disk, so that a start needs no registry for those that it has seen: an id has one schema for as long as
 * the registry lives.
 *
 *   <dataDir>/schemas/<registry>/<id or GUID>.json      the registry as a hash of its URL: another one has other ids
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SchemaRef } from '../core/flow.js';
import { makeFolder } from '../storage/data-dir.js';
import type { RegisteredSchema } from './client.js';

export class SchemaCache {
  readonly #folder: string;

  constructor(dataDir: string, url: string) {
    this.#folder = join(dataDir, 'schemas', createHash('sha256').update(url).digest('hex').slice(0, 16));
  }

  /** @returns undefined if it is not there, or damaged */
  read(ref: SchemaRef): RegisteredSchema | undefined {
    try {
      const schema = JSON.parse(readFileSync(this.#path(ref), 'utf8')) as RegisteredSchema;
      const isOfRef = typeof ref === 'number' ? schema.id === ref : Number.isInteger(schema.id);
      return isOfRef && typeof schema.text === 'string' ? schema : undefined;
    } catch {
      return undefined;
    }
  }

  /** Best effort: it is asked for again if it is not there. */
  write(ref: SchemaRef, schema: RegisteredSchema): void {
    const path = this.#path(ref);
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

  #path(ref: SchemaRef): string {
    return join(this.#folder, `${ref}.json`);
  }
}
