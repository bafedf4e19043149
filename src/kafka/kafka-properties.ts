/** How the Kafka client is set up for a consumer. */
import type { ConsumerGlobalConfig } from '@confluentinc/kafka-javascript';
import type { Settings } from '../core/settings.js';
import type { ConsumerSettings, kafkaSettings } from './settings.js';

/** Names of headers: the bytes of a message's last one are read as if they were the first ones of its value or key. */
export interface PrefixHeaders {
  readonly value?: string | undefined;
  readonly key?: string | undefined;
}

/** How to reach a topic, and as whom. */
export interface KafkaSourceOptions extends Settings<typeof kafkaSettings>, Omit<ConsumerSettings, 'startFrom'> {
  /** Names this member over restarts, so that a process that was killed gets its partitions back at once. */
  readonly instanceId: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Other processes of the group read some of the topic: only partitions that move are taken. */
  readonly isShared?: boolean;
  /** `false`: a cluster without a controller, who alone tells topic ids, as librdkafka's embedded one. */
  readonly hasController?: boolean;
  readonly prefixHeaders?: PrefixHeaders;
}

/** What librdkafka keeps ahead of the pipeline, in KiB: a tenth of a second at full speed. More only holds memory. */
const PREFETCH_KIB = 8 << 10;

/** The client's configuration: what Sluice depends on cannot be changed, the rest can. */
export function consumerProperties(options: KafkaSourceOptions): ConsumerGlobalConfig {
  return {
    'client.id': 'sluice',
    'queued.min.messages': 100_000,
    'queued.max.messages.kbytes': PREFETCH_KIB,
    'fetch.message.max.bytes': 4 << 20,
    'fetch.wait.max.ms': 100,
    'fetch.queue.backoff.ms': 50,
    'socket.nagle.disable': true,
    'reconnect.backoff.max.ms': 2000,
    // Partitions that are added to the topic are seen after this long; the client's own five minutes look like lag 0.
    'topic.metadata.refresh.interval.ms': 30_000,
    // How long the partitions of a static member wait for it when it is gone. Heartbeats have their own thread.
    'session.timeout.ms': 10_000,
    'group.instance.id': options.instanceId,
    ...options.properties,
    'metadata.broker.list': options.brokers,
    'group.id': options.groupId,
    'partition.assignment.strategy': options.isShared ? 'cooperative-sticky' : 'range',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'enable.partition.eof': true,
    'isolation.level': 'read_committed',
  };
}
