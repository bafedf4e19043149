/** The setting of the data directory. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { setting, someText } from '../core/settings.js';

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
