/** The settings of the lake: used with SINK=ducklake. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { duration, type Settings, setting, someText } from '../../core/settings.js';
import { type PostgresConnection, parseConnection } from './postgres-connection.js';

const DAY_MS = 86_400_000;

const POSTGRES = /^postgres:|^postgresql:\/\//;
/** What looks like a connection to a server, however it is written. */
const CONNECTION = /^[a-z][a-z0-9+.-]+:|^\s*[a-z_]+\s*=|\/\/.*@/i;

/** A catalog in a file is of one process. */
export function isPostgres(catalog: string): boolean {
  return POSTGRES.test(catalog);
}

/** Of a catalog in Postgres: libpq's connection string. */
export function connectionOf(catalog: string): PostgresConnection {
  return parseConnection(catalog.replace(/^postgres:(?!\/\/)/, ''));
}

/** A catalog in Postgres whose connections are called so in `pg_stat_activity`; one in a file as it is. */
export function withApplicationName(catalog: string, name: string): string {
  if (!isPostgres(catalog)) return catalog;
  const { parameters, password } = connectionOf(catalog);
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const secret = password === undefined ? '' : ` password=${quoted(password)}`;
  return `postgres:${parameters} application_name=${quoted(name)}${secret}`;
}

const isUrl = (text: string) => /^[a-z][a-z0-9+.-]*:\/\//i.test(text);

export const lakeSettings = z.object({
  /** Absolute, or `postgres:` and a connection string; undefined: a file in the data directory. */
  catalog: setting(
    'LAKE_CATALOG',
    'the catalog of the lake: a DuckDB file, for one process, or `postgres:` and a libpq connection string, for many',
    someText()
      .transform((text, { addIssue }) => {
        if (!isPostgres(text)) {
          // A mistake in it would make a file that is called after a password.
          if (CONNECTION.test(text)) addIssue('must be the path of a file, or postgres: and a connection string');
          return resolve(text);
        }
        try {
          connectionOf(text);
        } catch (thrown) {
          addIssue((thrown as Error).message);
        }
        return text;
      })
      .optional(),
    '`DATA_DIR/catalog.ducklake`',
  ),
  /** Absolute or `s3://…`, without a slash at the end; undefined: a folder in the data directory. */
  dataPath: setting(
    'LAKE_DATA_PATH',
    'where the files of the lake are: a folder, or `s3://bucket/prefix` with the usual `AWS_*` variables',
    someText()
      .refine((text) => !isUrl(text) || text.startsWith('s3://'), 'must be a folder or s3://…')
      .refine((text) => !/[?*=]/.test(text), 'must be a path without "?", "*" and "="')
      .transform((text) => (isUrl(text) ? text : resolve(text)).replace(/\/+$/, ''))
      .optional(),
    '`DATA_DIR/lake`',
  ),
  keepSnapshotsMs: setting(
    'LAKE_KEEP_SNAPSHOTS',
    'for how long the lake can be read as it was: older snapshots go, with the files that only they have',
    duration(0, 3650 * DAY_MS).prefault('7d'),
  ),
  /** Absolute. */
  extensionDirectory: setting(
    'DUCKDB_EXTENSION_DIRECTORY',
    "a folder with DuckDB's extensions; if it is not set, DuckDB downloads those that it has not got yet",
    someText()
      .transform((text) => resolve(text))
      .optional(),
    "DuckDB's own",
  ),
});

export type LakeSettings = Settings<typeof lakeSettings>;
