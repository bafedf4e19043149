/** What all Kafka clients have in common: how one is made, and promises of its answers. */
import type { LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { type ConnectionTarget, connectError } from './kafka-errors.js';

/** How long a client waits for a first broker, and after how long that is said. */
const CONNECT_TIMEOUT_MS = 10_000;
const WARN_AFTER_MS = 2000;

/** A consumer or producer that is not connected yet. */
interface Connectable {
  connect(
    options: { topic?: string; timeout: number },
    done: (error: LibrdKafkaError | null, data?: unknown) => void,
  ): unknown;
  on(event: 'event.log', listener: (line: ClientLine) => void): unknown;
  removeListener(event: 'event.log', listener: (line: ClientLine) => void): unknown;
}

/** A line of librdkafka's own log. */
interface ClientLine {
  readonly fac: string;
  readonly message: string;
}

/** Makes a client. @throws SluiceError SLUICE_CONFIG if it does not accept its properties */
export function madeClient<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG', `KAFKA_CONFIG_*: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Connects a client to the first broker that answers.
 * @returns the metadata: of the topic, if one is named
 * @throws SluiceError SLUICE_KAFKA_UNREACHABLE, SLUICE_CONFIG, SLUICE_UNKNOWN_TOPIC
 */
export async function connectClient<T>(
  client: Connectable,
  target: ConnectionTarget,
  log: Pick<Logger, 'warn'>,
): Promise<T> {
  const { brokers, topic } = target;
  let reason: string | undefined;
  // Its errors come when the time is over, and name no reason; its log has both at once.
  const onLine = ({ fac, message }: ClientLine) => {
    if (fac === 'FAIL') reason = moreTelling(reasonOf(message), reason);
  };
  client.on('event.log', onLine);
  const warning = setTimeout(() => {
    log.warn(`no broker of KAFKA_BROKERS=${brokers} answers yet: ${reason ?? 'no reason is known'}`);
  }, WARN_AFTER_MS);
  try {
    return await called<T>((done) => client.connect({ ...(topic && { topic }), timeout: CONNECT_TIMEOUT_MS }, done));
  } catch (cause) {
    throw connectError(cause as LibrdKafkaError, target, reason);
  } finally {
    clearTimeout(warning);
    client.removeListener('event.log', onLine);
  }
}

/** Without the thread before it, and after it how long the attempt took. */
function reasonOf(message: string): string {
  return message.replace(/^\[thrd:[^\]]*\]: /, '').replace(/ \(after \d+ms in state .*\)$/, '');
}

/**
 * The newer reason, unless it says only that the connection ended and an earlier one says in which step: a peer that
 * ends the connection in the TLS handshake is reported either way, as the timing has it.
 */
function moreTelling(reason: string, earlier: string | undefined): string {
  return earlier !== undefined && /^\S+ Disconnected\b/.test(reason) ? earlier : reason;
}

/** A promise of what a callback-style call gives. It rejects with the LibrdKafkaError. */
export function called<T = void>(
  call: (done: (error: LibrdKafkaError | null, result?: unknown) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}
