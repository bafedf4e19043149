/** The settings of lineage events, by the names that OpenLineage's own clients have where they have them. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { secretFile } from '../core/secret-file.js';
import { duration, oneOf, type Settings, setting, someText, text } from '../core/settings.js';

export const lineageSettings = z.object({
  url: setting(
    'OPENLINEAGE_URL',
    'where lineage events are sent, see [lineage](lineage.md); none are sent if neither this nor `LINEAGE_FILE` is set',
    text(/^https?:\/\/[^\s@]+$/, 'must be http:// or https://, without a user')
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
  ),
  endpoint: setting(
    'OPENLINEAGE_ENDPOINT',
    'the path there',
    someText()
      .transform((path) => path.replace(/^\/+/, ''))
      .prefault('api/v1/lineage'),
  ),
  apiKey: setting('OPENLINEAGE_API_KEY', 'sent as `Authorization: Bearer …`', someText().optional()),
  apiKeyFile: setting(
    'OPENLINEAGE_API_KEY_FILE',
    'a file with the key, in place of `OPENLINEAGE_API_KEY`',
    secretFile().optional(),
  ),
  namespace: setting('OPENLINEAGE_NAMESPACE', 'the namespace of the job in the events', someText().prefault('default')),
  disabled: setting(
    'OPENLINEAGE_DISABLED',
    '`true` sends and writes no events',
    oneOf(['true', 'false'])
      .transform((word) => word === 'true')
      .prefault('false'),
  ),
  /** Absolute. */
  file: setting(
    'LINEAGE_FILE',
    'a file that gets the events, one JSON per line, with or without `OPENLINEAGE_URL`',
    someText()
      .transform((path) => resolve(path))
      .optional(),
  ),
  /** A whole number of seconds, as OpenLineage's `windowDuration` is. */
  intervalMs: setting(
    'LINEAGE_INTERVAL',
    'how often an event says what was committed since the last one',
    duration(1000, 86_400_000).prefault('60s'),
  ),
});

export type LineageSettings = Settings<typeof lineageSettings>;

/** What the variables need of each other. A key is in no message. */
export function lineageProblems({ apiKey, apiKeyFile }: LineageSettings): string[] {
  if (apiKey !== undefined && apiKeyFile !== undefined) {
    return ['OPENLINEAGE_API_KEY and OPENLINEAGE_API_KEY_FILE: one of them is enough'];
  }
  const key = apiKey ?? apiKeyFile;
  if (key === undefined || /^[\x21-\x7e]+$/.test(key)) return [];
  return ['OPENLINEAGE_API_KEY: a key must be without white space, in ASCII'];
}
