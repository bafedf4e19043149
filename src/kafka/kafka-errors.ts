/** What librdkafka's errors mean here: which pass by themselves, and the code and message of the others. */
import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';

const { ERRORS } = kafka.CODES;

const TRANSIENT: ReadonlySet<number> = new Set([
  ERRORS.ERR__TRANSPORT,
  ERRORS.ERR__ALL_BROKERS_DOWN,
  ERRORS.ERR__TIMED_OUT,
  ERRORS.ERR__TIMED_OUT_QUEUE,
  ERRORS.ERR__RESOLVE,
  ERRORS.ERR__MAX_POLL_EXCEEDED,
  ERRORS.ERR__STATE,
]);

/** librdkafka keeps trying by itself after these. */
export function isTransient(error: LibrdKafkaError): boolean {
  return TRANSIENT.has(error.code) && !error.isFatal;
}

/** Why there is no connection. */
export function connectError(
  cause: LibrdKafkaError,
  { brokers, topic }: { readonly brokers: string; readonly topic: string },
): SluiceError {
  if (cause.code === ERRORS.ERR_UNKNOWN_TOPIC_OR_PART) {
    return new SluiceError('SLUICE_UNKNOWN_TOPIC', `the topic ${topic} does not exist on ${brokers}`, { cause });
  }
  const message = `no broker of KAFKA_BROKERS=${brokers} answers: ${cause.message}`;
  return new SluiceError('SLUICE_KAFKA_UNREACHABLE', message, { cause });
}

/** Why the topic cannot be read on. */
export function readError(cause: LibrdKafkaError, topic: string): SluiceError {
  switch (cause.code) {
    case ERRORS.ERR__AUTO_OFFSET_RESET:
    case ERRORS.ERR_OFFSET_OUT_OF_RANGE:
      return new SluiceError(
        'SLUICE_OFFSET_OUT_OF_RANGE',
        `the position in ${topic} is no longer there: ${cause.message}`,
        {
          cause,
        },
      );
    case ERRORS.ERR_FENCED_INSTANCE_ID:
      return new SluiceError(
        'SLUICE_PARTIAL_ASSIGNMENT',
        'another process joined the group under the same group.instance.id',
        {
          cause,
        },
      );
    case ERRORS.ERR_UNKNOWN_TOPIC_OR_PART:
    case ERRORS.ERR__UNKNOWN_TOPIC:
      return new SluiceError('SLUICE_UNKNOWN_TOPIC', `the topic ${topic} was deleted: ${cause.message}`, { cause });
    default:
      return new SluiceError('SLUICE_KAFKA', `reading ${topic} failed: ${cause.message}`, { cause });
  }
}
