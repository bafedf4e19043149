/**
 * An embedded Kafka for the demo: librdkafka's mock cluster, which lives inside a producer and listens on the loopback
 * interface. It speaks the real protocol, groups and transactions included, but keeps only about 5 MB per partition.
 */
import kafka, { type Metadata } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';
import { called } from './client.js';

const POLL_INTERVAL_MS = 20;
const TIMEOUT_MS = 10_000;

export class EmbeddedKafka {
  readonly #producer: InstanceType<typeof kafka.Producer>;

  private constructor(
    producer: InstanceType<typeof kafka.Producer>,
    /** host:port */
    readonly brokers: string,
  ) {
    this.#producer = producer;
  }

  /** Starts one broker with a topic of four partitions. */
  static async start(topic: string): Promise<EmbeddedKafka> {
    const producer = new kafka.Producer({
      // The mock cluster takes this name's place: nothing is ever asked at it.
      'metadata.broker.list': '127.0.0.1:1',
      'test.mock.num.brokers': 1,
      partitioner: 'murmur2_random',
      'linger.ms': 5,
    } as ConstructorParameters<typeof kafka.Producer>[0]);
    const metadata = await request<Metadata>((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
    producer.setPollInterval(POLL_INTERVAL_MS);
    await request<Metadata>((done) => producer.getMetadata({ topic, timeout: TIMEOUT_MS }, done));
    const [{ host, port }] = metadata.brokers;
    return new EmbeddedKafka(producer, `${host}:${port}`);
  }

  /** Queues a message; its partition follows from the key, as with the Java client. */
  produce(topic: string, key: Buffer | null, value: Buffer | null): void {
    this.#producer.produce(topic, null, value, key);
  }

  async flush(): Promise<void> {
    await request<void>((done) => this.#producer.flush(TIMEOUT_MS, done));
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#producer.disconnect(() => resolve()));
  }
}

async function request<T>(call: Parameters<typeof called>[0]): Promise<T> {
  try {
    return await called<T>(call);
  } catch (cause) {
    throw new SluiceError('SLUICE_KAFKA', `the embedded Kafka failed: ${(cause as Error).message}`, { cause });
  }
}
