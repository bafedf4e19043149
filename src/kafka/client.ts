/** What all Kafka clients have in common: how one is made, and promises of its answers. */
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

/** A promise of what a callback-style call gives. It rejects with the LibrdKafkaError. */
export function called<T = void>(
  call: (done: (error: LibrdKafkaError | null, result?: unknown) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}
