/** What the capture's Kafka clients have in common. */
import type { LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';

/** How long a client waits for a first broker. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Makes a client. @throws SluiceError SLUICE_CONFIG if it does not accept its properties */
export function madeClient<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG', `KAFKA_CONFIG_*: ${(cause as Error).message}`, { cause });
  }
}

/** What to throw if a client cannot connect. */
export function unreachable(brokers: string, cause: unknown): SluiceError {
  const message = `no broker of KAFKA_BROKERS=${brokers} answers: ${(cause as Error).message}`;
  return new SluiceError('SLUICE_KAFKA_UNREACHABLE', message, { cause });
}

/** A promise of what a callback-style call gives. */
export function called<T = void>(
  call: (done: (error: LibrdKafkaError | null, result?: unknown) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}
