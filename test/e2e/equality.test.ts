/** Every row, in DuckDB and in Parquet, against what a plain consumer and `JSON.parse` make of the topic. */
import { beforeAll, expect, it } from 'vitest';
import { tableColumns } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { temporaryDataDir } from '../support/cli.js';
import { KindTally } from '../support/event-kinds.js';
import { type OrderEvent, orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { type ConsumedMessage, consumeAll, createTopic, endOffsets, TestProducer } from '../support/produce.js';
import { type ReferenceResult, type ReferenceValue, referenceRow } from '../support/reference.js';
import { LAKE_ENV, parquetGlob, queryFile, runEnv, runUntilEnd, type Summary, verifies } from './support.js';

const EVENTS = 200_000;
const TRANSACTION_EVENTS = 8000;
const PARTITIONS = 4;
const LONG = { timeout: 300_000 };
const OPTIONS = { highValueThreshold: '1000', lateAfterMs: 600_000 };
/** Enough groups that repeats fall within one and across several. */
const MANY_GROUPS = { BATCH_ROWS: '4000', COMMIT_ROWS: '15000' };

interface Expected extends ReferenceResult {
  readonly message: ConsumedMessage;
}

describeKafka(`a topic of ${EVENTS} events of every kind`, (bootstrap) => {
  const topic = uniqueTopic('equality');
  const tally = new KindTally();
  let expected: Expected[];
  let valid: Expected[];
  let firsts: Expected[];

  beforeAll(async () => {
    await createTopic(bootstrap(), topic, PARTITIONS);
    await fill(bootstrap(), topic, tally.through(orderEvents({ count: EVENTS, seed: 11 })));
    const messages = await consumeAll(bootstrap(), topic);
    expected = messages
      .map((message) => ({ message, ...referenceRow(ORDERS_SPEC, OPTIONS, message) }))
      .sort(({ message: a }, { message: b }) => a.partition - b.partition || a.offset - b.offset);
    expect(expected).toHaveLength(EVENTS);
    valid = expected.filter(({ status }) => status === 'ok');
    firsts = firstOfEachChange(valid);
  }, LONG.timeout);

  it.each([
    ['KAFKA_SOURCE', 'auto'],
    ['KAFKA_SOURCE', 'stock'],
    ['PARQUET_WRITER', 'parquet-wasm'],
    ['SINK', 'ducklake'],
  ])(`${EVENTS} events become exactly the reference's rows, %s=%s`, LONG, async (variable, value) => {
    const settings = {
      ...LAKE_ENV,
      SINK: 'duckdb',
      ...MANY_GROUPS,
      [variable]: value,
      KAFKA_GROUP_ID: `${topic}-${value}`,
    };
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), settings);
    const summary = await runUntilEnd(env);
    expect(await differences(env.DATA_DIR, parquetGlob(env.DATA_DIR), valid)).toEqual([]);
    expect(await differences(env.DATA_DIR, 'cdc_orders', firsts)).toEqual([]);
    await expectQuarantine(env.DATA_DIR, expected);
    await expectLedger(env.DATA_DIR, await endOffsets(bootstrap(), topic), tally);
    expectSummary(summary, tally, valid);
    if (value !== 'ducklake') await verifies(env);
  });
});

/** A third plainly, the rest in transactions; between them aborted ones, with change ids of the others. */
async function fill(bootstrap: string, topic: string, events: Iterable<OrderEvent>): Promise<void> {
  const all = [...events];
  const plain = await TestProducer.connect(bootstrap);
  const transactional = await TestProducer.connect(bootstrap, { transactionalId: topic });
  const plainEvents = Math.floor(all.length / 3);
  await plain.send(topic, all.slice(0, plainEvents));
  await plain.close();
  const inTransaction = async (messages: OrderEvent[], end: 'commit' | 'abort') => {
    await transactional.begin();
    await transactional.send(topic, messages);
    await transactional[end]();
  };
  for (let from = plainEvents; from < all.length; from += TRANSACTION_EVENTS) {
    await inTransaction([...orderEvents({ count: 1000, seed: from })], 'abort');
    await inTransaction(all.slice(from, from + TRANSACTION_EVENTS), 'commit');
  }
  // The topic ends with something that is not to be read.
  await inTransaction([...orderEvents({ count: 1000, seed: 1 })], 'abort');
  await transactional.close();
}

/** Repeats have the key and so the partition of what they repeat. @param valid in the order of their offsets */
function firstOfEachChange(valid: readonly Expected[]): Expected[] {
  const firsts = new Map<ReferenceValue, Expected>();
  for (const one of valid) {
    const known = firsts.get(one.row!.change_id);
    if (known === undefined) firsts.set(one.row!.change_id, one);
    else expect(known.message.partition).toBe(one.message.partition);
  }
  return [...firsts.values()];
}

/**
 * Names of differing columns by coordinates, at most a few of them; every row and every column is compared.
 * @param expected in the order of partitions and offsets
 */
async function differences(dataDir: string, source: string, expected: readonly Expected[]): Promise<string[]> {
  const names = tableColumns(ORDERS_SPEC).map(({ name }) => name);
  const selected = tableColumns(ORDERS_SPEC).map(({ name, type }) => {
    if (type === 'decimal') return `(${name}::DECIMAL(38, 4) * 10000)::BIGINT`;
    return type === 'timestamp_us_utc' ? `epoch_us(${name})` : name;
  });
  const sql = `SELECT ${selected.join(', ')} FROM ${source} ORDER BY kafka_partition, kafka_offset`;
  const rows = await queryFile(dataDir, sql);
  const found = rows.length === expected.length ? [] : [`${rows.length} rows, not ${expected.length}`];
  for (const [index, { message, row }] of expected.entries()) {
    for (const [column, name] of names.entries()) {
      const [actual, wanted] = [rows[index]?.[column], row![name]];
      if (actual === wanted || found.length >= 5) continue;
      found.push(`partition ${message.partition} offset ${message.offset} ${name}: ${actual}, not ${wanted}`);
    }
  }
  return found;
}

async function expectQuarantine(dataDir: string, expected: readonly Expected[]): Promise<void> {
  const rows = await queryFile(
    dataDir,
    `SELECT partition_id, message_offset::INTEGER, hex(key), hex(value), reason, byte_position::INTEGER,
     epoch_ms(kafka_timestamp)::BIGINT FROM sluice.quarantine ORDER BY ALL`,
  );
  const hex = (bytes: Buffer | null) => bytes?.toString('hex').toUpperCase() ?? null;
  const wanted = expected
    .filter(({ status }) => status !== 'ok' && status !== 'tombstone')
    .map(({ message: { partition, offset, key, value, timestamp }, status, position }) => {
      return [partition, offset, hex(key), hex(value), status, position === -1 ? null : position, BigInt(timestamp)];
    });
  expect(rows).toEqual(wanted);
}

async function expectLedger(dataDir: string, ends: readonly number[], tally: KindTally): Promise<void> {
  const names = ['consumed', 'merged', 'duplicate', 'quarantined', 'tombstone'] as const;
  const sums = names.map((name) => `sum(rows_${name})::INTEGER AS ${name}`).join(', ');
  const [totals] = await queryFile(dataDir, `SELECT ${sums} FROM sluice.batches`);
  expect(totals).toEqual(names.map((name) => tally.totals()[name]));
  const unequal = 'rows_consumed <> rows_merged + rows_duplicate + rows_quarantined + rows_tombstone + rows_marker';
  expect(await queryFile(dataDir, `FROM sluice.batches WHERE ${unequal}`)).toEqual([]);
  // Without a gap from the first message to the end of the log, transaction markers and aborted messages included.
  const ranges = `SELECT partition_id, min(start_offset)::INTEGER, max(next_offset)::INTEGER,
    sum(next_offset - start_offset)::INTEGER FROM sluice.batches GROUP BY ALL ORDER BY ALL`;
  expect(await queryFile(dataDir, ranges)).toEqual(ends.map((end, partition) => [partition, 0, end, end]));
  const positions = 'SELECT next_offset::INTEGER FROM sluice.positions ORDER BY partition_id';
  expect((await queryFile(dataDir, positions)).flat()).toEqual(ends);
}

function expectSummary(summary: Summary, tally: KindTally, valid: readonly Expected[]): void {
  const { consumed, ...outcomes } = tally.totals();
  const having = (is: (row: Record<string, ReferenceValue>) => boolean) => valid.filter(({ row }) => is(row!)).length;
  expect(summary).toMatchObject({
    events: consumed,
    ...outcomes,
    highValue: having((row) => row.is_high_value === true),
    late: having((row) => row.is_late === true),
    withIssues: having((row) => row.issues !== 0n),
  });
  expect(summary).toMatchObject({ late: tally.counts.late });
}
