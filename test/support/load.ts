/**
 * Fills a topic with order events: `npm run load -- --bootstrap 127.0.0.1:9092 --topic cdc_orders --count 1000000`.
 * Prints the number of events by kind and the totals that a sink must come to, as one JSON line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KindTally } from './event-kinds.js';
import { type OrderEvent, orderEvents } from './events.js';
import { createTopic, TestProducer } from './produce.js';

const BLOCK_EVENTS = 10_000;
/** With a rate, a block is what is due in this time. */
const TICK_MS = 10;

const { values: flags } = parseArgs({
  options: {
    bootstrap: { type: 'string', default: '127.0.0.1:9092' },
    topic: { type: 'string', default: 'cdc_orders' },
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    ids: { type: 'string', default: 'token' },
    /** Creates the topic with so many partitions first; 0: it is there. */
    partitions: { type: 'string', default: '4' },
    /** Events per second, with the present time as timestamps; 0: as fast as it goes. */
    rate: { type: 'string', default: '0' },
    /** Plain events only. */
    plain: { type: 'boolean', default: false },
  },
});

async function load(): Promise<void> {
  const { bootstrap, topic } = flags;
  const rate = Number(flags.rate);
  if (Number(flags.partitions) > 0) await createTopic(bootstrap, topic, Number(flags.partitions));
  const producer = await TestProducer.connect(bootstrap, { properties: { 'linger.ms': rate > 0 ? 1 : 10 } });
  const tally = new KindTally();
  const events = orderEvents({
    count: Number(flags.count),
    seed: Number(flags.seed),
    ids: flags.ids === 'random' ? 'random' : 'token',
    ...(flags.plain && { shares: {} }),
    ...(rate > 0 && { startMs: Date.now(), stepMs: 1000 / rate }),
  });
  const start = Date.now();
  for (const block of blocks(tally.through(events), rate > 0 ? Math.ceil((rate * TICK_MS) / 1000) : BLOCK_EVENTS)) {
    if (rate > 0) await sleep(Math.max(0, block[block.length - 1].timestamp - Date.now()));
    await producer.enqueue(topic, block);
  }
  await producer.flush();
  await producer.close();
  const seconds = (Date.now() - start) / 1000;
  console.log(JSON.stringify({ topic, seconds, totals: tally.totals(), kinds: tally.counts }));
}

function* blocks(events: Iterable<OrderEvent>, size: number): Generator<OrderEvent[]> {
  let block: OrderEvent[] = [];
  for (const event of events) {
    block.push(event);
    if (block.length === size) {
      yield block;
      block = [];
    }
  }
  if (block.length > 0) yield block;
}

await load();
