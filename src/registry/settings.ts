/** The settings of topics whose messages name their schema. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { duration, oneOf, type Settings, setting, someText, text } from '../core/settings.js';
import { readsKeys, type TableSpec } from '../schema/spec.js';

/** What keys or values are: JSON as it is, or behind the frame that names a schema JSON or Avro. */
export const MESSAGE_FORMATS = ['json', 'json-schema', 'avro'] as const;
export type MessageFormat = (typeof MESSAGE_FORMATS)[number];

export type MessagePart = 'value' | 'key';

/** The variable that says what a part of the messages is. */
export const FORMAT_VARIABLES: Readonly<Record<MessagePart, string>> = { value: 'VALUE_FORMAT', key: 'KEY_FORMAT' };

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
    FORMAT_VARIABLES.value,
    'what values are: `json`, or with the schema id of a registry before them `json-schema` or `avro`',
    oneOf(MESSAGE_FORMATS).prefault('json'),
  ),
  keyFormat: setting(
    FORMAT_VARIABLES.key,
    'the format of keys, with the same values; `json` also takes plain text. ' +
      'Used only if the spec has fields of the key',
    oneOf(MESSAGE_FORMATS).prefault('json'),
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

/** What the parts of messages are, as far as it matters: keys that no column is of are not read. */
export function framedFormats(
  { valueFormat, keyFormat }: Pick<RegistrySettings, 'valueFormat' | 'keyFormat'>,
  spec: TableSpec,
): { readonly [P in MessagePart]: Exclude<MessageFormat, 'json'> | undefined } {
  const framed = (format: MessageFormat) => (format === 'json' ? undefined : format);
  return { value: framed(valueFormat), key: readsKeys(spec) ? framed(keyFormat) : undefined };
}

/** What the schemas of a topic are called by default: the TopicNameStrategy. */
export function subjectOf(topic: string, part: MessagePart): string {
  return `${topic}-${part}`;
}
