/** What `sluice doctor` asks of folders, disks and the database. Nothing is made or opened for writing. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config.js';
import { OWNER_OR_MODE, SluiceError } from '../core/errors.js';
import { isLive, openSql, type SqlClient } from '../query/sql-client.js';
import { checkStoredSpec } from '../sinks/duckdb/ddl.js';
import { checkTopic } from '../sinks/duckdb/format.js';
import { agreeingFiles, refuseOrphans } from '../sinks/duckdb/recovery.js';
import { hasOldNames } from '../sinks/duckdb/upgrade.js';
import { databasePath } from '../storage/data-dir.js';
import { freeBytes } from '../storage/disk-usage.js';
import { readLedger } from '../verify/files.js';
import { hasTables, readScope } from '../verify/ledger.js';
import type { DoctorLine, Finding } from './doctor-line.js';
import { failure } from './doctor-line.js';

/** What the write-ahead log may take before it is written back: CHECKPOINT_THRESHOLD of sinks/duckdb/database.ts. */
const LOG_BYTES = 1e9;

/** The data directory. @returns the database if a start can continue on it; the caller closes it */
export async function* directoryLine(config: Config): AsyncGenerator<DoctorLine, SqlClient | undefined> {
  const check = 'data directory';
  let client: SqlClient | undefined;
  try {
    const { dataDir } = config;
    refuseUnwritable('DATA_DIR', dataDir);
    if (await isLive(dataDir)) throw inUse(dataDir);
    if (config.sink === 'ducklake') {
      yield { check, outcome: 'ok', text: `${dataDir} can be written` };
      return undefined;
    }
    const database = databasePath(dataDir);
    if (!existsSync(database)) {
      refuseOrphans(dataDir, config.kafka.topic);
      yield { check, outcome: 'ok', text: `${dataDir} can be written, and is new: the first start makes the database` };
      return undefined;
    }
    refuseUnwritable('DATA_DIR', database, 'file');
    client = await openSql(dataDir);
    const text = await databaseText(client, config);
    yield { check, outcome: 'ok', text: `${dataDir} can be written; ${text}` };
    return client;
  } catch (thrown) {
    client?.close();
    yield { check, ...failure(thrown) };
    return undefined;
  }
}

function inUse(dataDir: string): SluiceError {
  const text = `DATA_DIR=${dataDir} is in use: a process runs on it; stop that one, or use another DATA_DIR`;
  return new SluiceError('SLUICE_LOCKED', text);
}

/** @throws SluiceError SLUICE_CONFIG, SLUICE_SPEC_CHANGED, SLUICE_UNEXPLAINED_FILES, SLUICE_SINK as a start does */
async function databaseText(client: SqlClient, config: Config): Promise<string> {
  const { dataDir } = config;
  const text = await ownershipText(client, config);
  if (!(await hasTables(client))) return text;
  const ledger = await readLedger(client);
  // Those of format 1 get other names before they are compared.
  if (!hasOldNames(ledger)) agreeingFiles(dataDir, config.kafka.topic, ledger);
  return `${text}, with ${ledger.files.length} Parquet files, all there`;
}

/**
 * Whether the database or lake is of this topic and fits the spec.
 * @throws SluiceError SLUICE_CONFIG, SLUICE_SPEC_CHANGED as a start does
 */
export async function ownershipText(client: SqlClient, { dataDir, kafka, spec }: Config): Promise<string> {
  if (!(await hasTables(client))) return 'nothing was consumed yet';
  const known = await readScope(client, dataDir);
  checkTopic(known.topic, kafka.topic);
  checkStoredSpec(known.spec, spec);
  return `it is of ${kafka.topic}`;
}

/**
 * The path, or where it will be made.
 * @throws SluiceError SLUICE_DATA_DIR if this process cannot write there
 */
export function refuseUnwritable(variable: string, path: string, kind: 'file' | 'folder' = 'folder'): void {
  const place = existing(path);
  try {
    if (statSync(place).isDirectory() !== (kind === 'folder' || place !== path))
      throw new Error(`${place} is not a ${place === path ? kind : 'folder'}`);
    accessSync(place, constants.W_OK);
  } catch (cause) {
    const what = `${variable}=${path} cannot be written: ${(cause as Error).message}`;
    throw new SluiceError('SLUICE_DATA_DIR', `${what}: ${OWNER_OR_MODE}`, { cause });
  }
}

/** The path itself, or the nearest one above that is there. */
function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path));
}

/** Of a folder's disk: a batch's file at least must fit, and should what a run holds and its log. */
export function diskFinding(folder: string, { pipeline }: Config): Finding {
  const free = freeBytes(existing(folder));
  if (free === undefined) return { outcome: 'warn', text: `the disk of ${folder} does not say what is free` };
  const text = `${megabytes(free)} are free at ${folder}`;
  if (free < pipeline.batchBytes) {
    const least = megabytes(pipeline.batchBytes);
    return { outcome: 'fail', code: 'SLUICE_DATA_DIR', text: `${text}, BATCH_BYTES is ${least}: free space` };
  }
  const wanted = pipeline.bufferBytes + LOG_BYTES;
  if (free >= wanted) return { outcome: 'ok', text };
  return { outcome: 'warn', text: `${text}: free space; buffers and write-ahead log take up to ${megabytes(wanted)}` };
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6).toLocaleString('en-US')} MB`;
}
