/** A result as a file, which is there when it is complete. */

import { rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { asSluiceError, SluiceError } from '../core/errors.js';
import type { QuerySettings } from '../query/read-only.js';
import type { SqlClient } from '../query/sql-client.js';
import { temporaryPath } from '../storage/data-dir.js';
import { TEXTS } from './query-texts.js';

const FILE_FORMATS = ['parquet', 'csv', 'json', 'arrow'] as const;
type FileFormat = (typeof FILE_FORMATS)[number];

export interface ResultFile extends QuerySettings {
  readonly sql: string;
  readonly path: string;
  readonly format: FileFormat;
  /** Has something done when a signal ends the process. */
  readonly beforeKilled: (cleanUp: () => void) => void;
}

/** @throws SluiceError SLUICE_CONFIG if the ending is none that is known */
export function fileFormat(path: string): FileFormat {
  const ending = extname(path).slice(1).toLowerCase();
  const format = FILE_FORMATS.find((each) => each === ending);
  if (format !== undefined) return format;
  const endings = FILE_FORMATS.map((each) => `.${each}`).join(', ');
  throw new SluiceError('SLUICE_CONFIG', `--output ${path} must end with one of ${endings}`);
}

/**
 * Writes a file under a temporary name, and renames it when it is durable.
 * @param client closed in the end
 * @throws SluiceError SLUICE_QUERY, SLUICE_OUTPUT if the file cannot be written; nothing is left of it then
 */
export async function writeResultFile(client: SqlClient, file: ResultFile): Promise<void> {
  const path = resolve(file.path);
  const partial = temporaryPath(path);
  file.beforeKilled(() => rmSync(partial, { force: true }));
  try {
    const handle = await open(partial, 'w');
    try {
      await writePieces(client, file, partial, (piece) => handle.writeFile(piece));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => {});
    throw asSluiceError(cause, 'SLUICE_OUTPUT', `${file.path} cannot be written`);
  } finally {
    client.close();
  }
}

async function writePieces(
  client: SqlClient,
  { sql, format, timeZone, parameters }: ResultFile,
  path: string,
  write: (piece: string | Uint8Array) => Promise<void>,
): Promise<void> {
  const settings = { ...(timeZone && { timeZone }), ...(parameters && { parameters }) };
  if (format === 'csv' || format === 'json') {
    for await (const piece of TEXTS[format](await client.query(sql, settings), undefined)) await write(piece);
    return;
  }
  const result = await client.arrow(sql, settings);
  if (format === 'arrow') {
    for await (const piece of result.pieces) await write(piece);
    return;
  }
  const { writeParquetFile } = await import('./query-parquet.js');
  await writeParquetFile(result, path, write);
}
