/** The settings of topics whose messages name their schema. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { duration, oneOf, type Settings, setting, someText, text } from '../core/settings.js';

/** What values are: JSON as it is, or behind the five bytes that name a schema JSON or Avro. */
export const VALUE_FORMATS = ['json', 'json-schema', 'avro'] as const;
export type ValueFormat = (typeof VALUE_FORMATS)[number];

/** The content of a PEM file. */
const pemFile = () =>
  z.string().transform((path, context) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (thrown) {
      context.addIssue(`cannot be read: ${(thrown as Error).message}`);
      return z.NEVER;
    }
  });

export const registrySettings = z.object({
  valueFormat: setting(
    'VALUE_FORMAT',
    'what values are: `json`, or with the schema id of a registry before them `json-schema` or `avro`',
    oneOf(VALUE_FORMATS).prefault('json'),
  ),
  url: setting(
    'SCHEMA_REGISTRY_URL',
    'the schema registry; needed for `avro`, for `json-schema` it tells what the spec cannot read',
    text(/^https?:\/\/[^\s@]+$/, 'must be http:// or https://, without a user')
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
  ),
  user: setting('SCHEMA_REGISTRY_USER', 'of the registry', someText().optional()),
  password: setting('SCHEMA_REGISTRY_PASSWORD', 'of that user', someText().optional()),
  ca: setting('SCHEMA_REGISTRY_CA', 'PEM file of the authority that the registry is trusted by', pemFile().optional()),
  cert: setting('SCHEMA_REGISTRY_CERT', 'PEM file of a client certificate', pemFile().optional()),
  key: setting('SCHEMA_REGISTRY_KEY', 'PEM file of its key', pemFile().optional()),
  unknownWaitMs: setting(
    'SCHEMA_REGISTRY_UNKNOWN_WAIT',
    'how long a schema id may be unknown to the registry, whose replicas can be behind',
    duration(0, 3_600_000).prefault('60s'),
  ),
});

export type RegistrySettings = Settings<typeof registrySettings>;
