/**
 * The ceiling of the stock client: a consume loop that does nothing with the messages. Prints one JSON line.
 * Usage: vite-node bench/bare-consume.ts BOOTSTRAP TOPIC PARTITIONS MESSAGES
 */
import kafka, { type LibrdKafkaError, type Message } from '@confluentinc/kafka-javascript';

const [bootstrap, topic, partitions, messages] = process.argv.slice(-4);

const consumer = new kafka.KafkaConsumer(
  {
    'metadata.broker.list': bootstrap,
    'group.id': `bare-${Date.now()}`,
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'queued.max.messages.kbytes': 64 << 10,
    'fetch.message.max.bytes': 4 << 20,
    'isolation.level': 'read_committed',
  },
  { 'auto.offset.reset': 'earliest' },
);
consumer.setDefaultConsumeTimeout(50);
await new Promise<void>((resolve, reject) => consumer.connect({}, (error) => (error ? reject(error) : resolve())));

const startMs = performance.now();
const startCpu = process.cpuUsage();
consumer.assign(Array.from({ length: Number(partitions) }, (_, partition) => ({ topic, partition, offset: 0 })));
let consumed = 0;
while (consumed < Number(messages)) {
  consumed += await new Promise<number>((resolve, reject) => {
    consumer.consume(1000, (error: LibrdKafkaError | null, batch: Message[]) =>
      error ? reject(error) : resolve(batch.length),
    );
  });
}
const seconds = (performance.now() - startMs) / 1e3;
const { user, system } = process.cpuUsage(startCpu);
console.log(
  JSON.stringify({
    events: consumed,
    seconds: Number(seconds.toFixed(3)),
    cpuSeconds: (user + system) / 1e6,
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
process.exit();
