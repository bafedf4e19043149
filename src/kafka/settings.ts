/** The settings of Kafka clients, and the librdkafka properties that are passed on to them. */
import * as z from 'zod';
import { START_FROM } from '../core/flow.js';
import { oneOf, type Settings, type SettingText, setting, someText, text } from '../core/settings.js';
import { READER_KINDS } from '../core/source.js';
import { loadAddon } from './addon.js';

/** What every command that uses Kafka needs to know. */
export const kafkaSettings = z.object({
  brokers: setting(
    'KAFKA_BROKERS',
    'bootstrap servers, joined by commas',
    text(/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/, 'must be host:port, or several joined by commas')
      .refine((brokers) => brokers.split(',').every(hasPort), 'must have ports from 1 to 65535')
      .prefault('127.0.0.1:9092'),
  ),
  topic: setting(
    'KAFKA_TOPIC',
    'the topic of the change events',
    text(/^[a-zA-Z0-9._-]{1,249}$/, 'must be a topic name: letters, digits, ".", "_" and "-", at most 249')
      .refine((name) => name !== '.' && name !== '..', 'must not be "." or ".."')
      .prefault('cdc_orders'),
  ),
});

/** What a consumer needs besides. */
export const consumerSettings = z.object({
  groupId: setting('KAFKA_GROUP_ID', 'the consumer group', someText().prefault('sluice')),
  /** How messages get out of the Kafka client. */
  reader: setting(
    'KAFKA_SOURCE',
    '`packed`, `stock`, or `auto`: packed if the addon was compiled with it',
    oneOf(['auto', ...READER_KINDS]).prefault('auto'),
  ),
  startFrom: setting(
    'START_FROM',
    "where a new data directory begins: `earliest`, `latest`, or `group`: the group's offsets",
    oneOf(START_FROM).prefault('earliest'),
  ),
});

export type ConsumerSettings = Settings<typeof consumerSettings>;

function hasPort(broker: string): boolean {
  const port = Number(broker.slice(broker.lastIndexOf(':') + 1));
  return port >= 1 && port <= 65_535;
}

/** What the variables of librdkafka properties begin with; the rest is the property's name, with `_` for `.`. */
export const PROPERTY_PREFIX = 'KAFKA_CONFIG_';

/** These variables together, for help and documents. */
export const PROPERTIES_TEXT: SettingText = {
  variable: `${PROPERTY_PREFIX}*`,
  default: '',
  meaning: `any librdkafka property: \`${PROPERTY_PREFIX}SECURITY_PROTOCOL=sasl_ssl\` sets \`security.protocol\``,
};

/** Properties that the exactly-once protocol depends on. */
const FIXED_PROPERTIES: ReadonlySet<string> = new Set([
  'bootstrap.servers',
  'metadata.broker.list',
  'group.id',
  'enable.auto.commit',
  'enable.auto.offset.store',
  'auto.offset.reset',
  'isolation.level',
  'enable.partition.eof',
  'rebalance_cb',
  'partition.assignment.strategy',
  'group.protocol',
]);

/**
 * Reads the librdkafka properties of KAFKA_CONFIG_*. The client itself checks them; it is loaded only if there are any.
 * @param problems gets a line for each that the client does not take, or that is not for the user to set
 */
export function readProperties(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Readonly<Record<string, string>> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PROPERTY_PREFIX) || value === undefined) continue;
    const property = name.slice(PROPERTY_PREFIX.length).toLowerCase().replaceAll('_', '.');
    properties[property] = value;
    const problem = FIXED_PROPERTIES.has(property)
      ? `${property} is set by Sluice, exactly-once delivery depends on it`
      : clientProblem(property, value);
    if (problem !== undefined) problems.push(`${name}: ${problem}`);
  }
  return properties;
}

/** What librdkafka says against a property. The value is not repeated: it may be a password. */
function clientProblem(property: string, value: string): string | undefined {
  const { KafkaConsumer } = loadAddon();
  try {
    new KafkaConsumer({ [property]: value }, {});
    return undefined;
  } catch (error) {
    return (error as Error).message.trim();
  }
}
