/** The settings of the data directory, and of object stores. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { type Settings, setting, someText } from '../core/settings.js';

export const storageSettings = z.object({
  /** Absolute. */
  dataDir: setting(
    'DATA_DIR',
    'a local folder for Parquet files and `analytics.db`; one topic per directory',
    someText()
      .refine(
        (folder) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(folder),
        'must be a local folder, without a scheme; for object storage, copy the Parquet files there from it',
      )
      .transform((folder) => resolve(folder))
      .refine((folder) => !/[?*]/.test(folder), 'must be a path without "?" and "*": DuckDB takes them for a pattern')
      .prefault('./data'),
  ),
});

/** Where `s3://` is, by the variables that all of its clients know. */
export const objectStoreSettings = z.object({
  accessKeyId: setting('AWS_ACCESS_KEY_ID', 'for `s3://`', someText().optional()),
  secretAccessKey: setting('AWS_SECRET_ACCESS_KEY', 'for `s3://`', someText().optional()),
  sessionToken: setting('AWS_SESSION_TOKEN', 'for `s3://`, with temporary credentials', someText().optional()),
  region: setting('AWS_REGION', 'for `s3://`', someText().optional()),
  endpoint: setting(
    'AWS_ENDPOINT_URL_S3',
    'for `s3://` that is not at AWS: `http://` or `https://`, host and port',
    z.url({ protocol: /^https?$/, error: 'must be a URL with http or https' }).optional(),
  ),
});

export type ObjectStoreSettings = Settings<typeof objectStoreSettings>;
