/** What librdkafka's errors mean here: which pass by themselves, and the code and message of the others. */
import { existsSync } from 'node:fs';
import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';
import type { KafkaSourceOptions } from './kafka-properties.js';
import { PROPERTY_PREFIX } from './settings.js';

const { ERRORS } = kafka.CODES;

/** What is to be done about an error: ask again, correct the configuration, or end. */
export type ErrorClass = 'retryable' | 'configuration' | 'fatal';

/** What passes by itself: no connection, no answer in time, or partitions and groups that move between brokers. */
const RETRYABLE: ReadonlySet<number> = new Set([
  ERRORS.ERR__TRANSPORT,
  ERRORS.ERR__ALL_BROKERS_DOWN,
  ERRORS.ERR__TIMED_OUT,
  ERRORS.ERR__TIMED_OUT_QUEUE,
  ERRORS.ERR__RESOLVE,
  ERRORS.ERR__MAX_POLL_EXCEEDED,
  ERRORS.ERR__STATE,
  ERRORS.ERR__WAIT_COORD,
  ERRORS.ERR_LEADER_NOT_AVAILABLE,
  ERRORS.ERR_NOT_LEADER_FOR_PARTITION,
  ERRORS.ERR_REQUEST_TIMED_OUT,
  ERRORS.ERR_BROKER_NOT_AVAILABLE,
  ERRORS.ERR_REPLICA_NOT_AVAILABLE,
  ERRORS.ERR_NETWORK_EXCEPTION,
  ERRORS.ERR_COORDINATOR_LOAD_IN_PROGRESS,
  ERRORS.ERR_COORDINATOR_NOT_AVAILABLE,
  ERRORS.ERR_NOT_COORDINATOR,
  ERRORS.ERR_REBALANCE_IN_PROGRESS,
  ERRORS.ERR_NOT_CONTROLLER,
  ERRORS.ERR_KAFKA_STORAGE_ERROR,
  ERRORS.ERR_FENCED_LEADER_EPOCH,
  ERRORS.ERR_UNKNOWN_LEADER_EPOCH,
  ERRORS.ERR_OFFSET_NOT_AVAILABLE,
]);

/** What is wrong with the settings. The client could not even start: it gives this no code of its own. */
const CONFIGURATION: ReadonlySet<number> = new Set([
  ERRORS.ERR_UNKNOWN,
  ERRORS.ERR__INVALID_ARG,
  ERRORS.ERR__AUTHENTICATION,
  ERRORS.ERR__SSL,
  ERRORS.ERR_SASL_AUTHENTICATION_FAILED,
  ERRORS.ERR_UNSUPPORTED_SASL_MECHANISM,
]);

/** The one classification of what the client reports. */
export function classify({ code, isFatal }: Pick<LibrdKafkaError, 'code' | 'isFatal'>): ErrorClass {
  if (isFatal) return 'fatal';
  if (RETRYABLE.has(code)) return 'retryable';
  return CONFIGURATION.has(code) ? 'configuration' : 'fatal';
}

/** Whether it passes by itself: librdkafka keeps trying, and a request may be made again. */
export function isTransient(error: LibrdKafkaError): boolean {
  return classify(error) === 'retryable';
}

/** What a client connects to: brokers, with its properties. */
export interface ConnectionTarget extends Pick<KafkaSourceOptions, 'brokers' | 'properties'> {
  /** Undefined if it is not asked for. */
  readonly topic?: string;
}

/** Why there is no connection. @param reason of the last attempt, undefined if the client said none */
export function connectError(
  cause: LibrdKafkaError,
  { brokers, topic, properties }: ConnectionTarget,
  reason: string = cause.message,
): SluiceError {
  if (cause.code === ERRORS.ERR_UNKNOWN_TOPIC_OR_PART && topic !== undefined) {
    return new SluiceError('SLUICE_UNKNOWN_TOPIC', `the topic ${topic} does not exist on ${brokers}`, { cause });
  }
  const security = Object.keys(properties).filter((name) => /^(security|ssl|sasl)\./.test(name));
  // The protocol with its value, which is no secret: what a listener of another one does is end the connection.
  const variables = security
    .map((name) => `${variableOf(name)}${name === 'security.protocol' ? `=${properties[name]}` : ''}`)
    .join(', ');
  if (classify(cause) === 'configuration') {
    const what = `the Kafka client cannot be set up: ${reason}`;
    const remedy =
      missingSetting(properties) ?? (variables === '' ? `check ${PROPERTY_PREFIX}*` : `check ${variables}`);
    return new SluiceError('SLUICE_CONFIG', `${what}; ${remedy}`, { cause });
  }
  const remedy =
    variables === ''
      ? `start it or correct KAFKA_BROKERS; if it expects TLS or SASL, set ${variableOf('security.protocol')}`
      : `if a broker listens there, check that it expects ${variables}`;
  const message = `no broker of KAFKA_BROKERS=${brokers} answers or takes the connection: ${reason}; ${remedy}`;
  return new SluiceError('SLUICE_KAFKA_UNREACHABLE', message, { cause });
}

function variableOf(property: string): string {
  return `${PROPERTY_PREFIX}${property.toUpperCase().replaceAll('.', '_')}`;
}

/** What the client's own message does not name: a file that cannot be read, or that there is no mechanism. */
function missingSetting(properties: ConnectionTarget['properties']): string | undefined {
  for (const [name, value] of Object.entries(properties)) {
    if (/^ssl\..*location$/.test(name) && value !== 'probe' && !existsSync(value)) {
      return `the file of ${variableOf(name)}=${value} does not exist`;
    }
  }
  const usesSasl = /^sasl_/i.test(properties['security.protocol'] ?? '');
  if (!usesSasl || 'sasl.mechanism' in properties || 'sasl.mechanisms' in properties) return undefined;
  return `set ${variableOf('sasl.mechanisms')} to what the brokers expect, as PLAIN or SCRAM-SHA-512`;
}

/** Why the topic cannot be read any further. */
export function readError(cause: LibrdKafkaError, topic: string): SluiceError {
  switch (cause.code) {
    case ERRORS.ERR__AUTO_OFFSET_RESET:
    case ERRORS.ERR_OFFSET_OUT_OF_RANGE:
      return new SluiceError(
        'SLUICE_OFFSET_OUT_OF_RANGE',
        `the position in ${topic} is no longer there: ${cause.message}`,
        { cause },
      );
    case ERRORS.ERR_FENCED_INSTANCE_ID:
      return new SluiceError(
        'SLUICE_PARTIAL_ASSIGNMENT',
        'another process joined the group with the same group.instance.id: stop it, or give it another DATA_DIR',
        { cause },
      );
    case ERRORS.ERR_UNKNOWN_TOPIC_OR_PART:
    case ERRORS.ERR__UNKNOWN_TOPIC:
      return new SluiceError('SLUICE_UNKNOWN_TOPIC', `the topic ${topic} was deleted: ${cause.message}`, { cause });
    default:
      return new SluiceError('SLUICE_KAFKA', `reading ${topic} failed: ${cause.message}`, { cause });
  }
}
