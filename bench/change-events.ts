/** Change events as Debezium's connectors write them, by its documentation, and specs that read them. */
import type { TableSpec } from '../src/schema/spec.js';
import { parseSpec } from '../src/schema/spec-file.js';
import { Random } from '../test/support/random.js';

export interface Messages {
  readonly spec: TableSpec;
  readonly values: readonly Buffer[];
  readonly keys: readonly Buffer[];
}

const NAMES = ['Ada Lovelace', 'Grace Hopper', 'Zoë Müller', 'Alan Turing', 'Barbara Liskov', 'Edsger Dijkstra'];
const CITIES = ['London', 'New York', 'Zürich', 'Eindhoven', 'Los Angeles'];
const STATUSES = ['created', 'paid', 'packed', 'shipped', 'delivered'];
const START_MS = 1_735_689_600_000;

/** The MongoDB connector: documents are strings of extended JSON, and so is the id in the key. About 1 KB each. */
export function mongoEvents(count: number): Messages {
  const random = new Random(11);
  const values: Buffer[] = [];
  const keys: Buffer[] = [];
  for (let n = 0; n < count; n++) {
    const id = `64f1c0a2${n.toString(16).padStart(16, '0')}`;
    const ms = START_MS + n * 7;
    const after = mongoDocument(id, ms, random);
    const source = {
      version: '3.0.2.Final',
      connector: 'mongodb',
      name: 'shop',
      ts_ms: ms,
      snapshot: 'false',
      db: 'shop',
      sequence: null,
      ts_us: ms * 1000,
      ts_ns: `${ms}000000`,
      collection: 'orders',
      ord: 1 + random.below(9),
      lsid: null,
      txnNumber: null,
      wallTime: ms,
    };
    const text = JSON.stringify({
      before: null,
      after,
      updateDescription: null,
      source: { ...source, ts_ns: 0 },
      op: random.below(4) === 0 ? 'c' : 'u',
      ts_ms: ms + 41,
      transaction: null,
      ts_us: (ms + 41) * 1000,
      ts_ns: 0,
    });
    values.push(Buffer.from(text.replaceAll('"ts_ns":0', () => `"ts_ns":${ms}123456`)));
    keys.push(Buffer.from(JSON.stringify({ id: JSON.stringify({ $oid: id }) })));
  }
  return { spec: MONGO_SPEC, values, keys };
}

/** In the spacing of the connector: relaxed extended JSON. */
function mongoDocument(id: string, ms: number, random: Random): string {
  const item = () => {
    const [sku, quantity, price] = [random.below(10_000), 1 + random.below(9), random.below(9999) / 100];
    return `{"sku": "SKU-${sku}", "quantity": ${quantity}, "price": ${price}}`;
  };
  const items = Array.from({ length: 1 + random.below(3) }, item);
  const customer = random.below(100_000);
  const address = [
    `"street": "${1 + random.below(200)} Main Street"`,
    `"city": "${random.pick(CITIES)}","zip": "${random.below(99_999)}"`,
  ];
  return [
    `{"_id": {"$oid": "${id}"},"number": "ORD-${random.below(1_000_000)}","status": "${random.pick(STATUSES)}"`,
    `"customer": {"id": ${customer},"name": "${random.pick(NAMES)}","email": "c${customer}@example.com"}`,
    `"address": {${address.join(',')}}`,
    `"amount": {"$numberDecimal": "${random.below(99_999)}.${10 + random.below(90)}"},"currency": "EUR"`,
    `"items": [${items.join(',')}],"created": {"$date": ${ms}},"version": {"$numberLong": "${random.below(50)}"}}`,
  ].join(',');
}

const MONGO_SPEC = parseSpec(
  JSON.stringify({
    table: 'orders_log',
    view: 'orders',
    columns: [
      { name: 'change_id', path: 'source.ts_us', kind: 'text', required: true, role: 'change_id' },
      { name: 'id', paths: ['after._id', { key: 'id' }], kind: 'text', required: true, role: 'key' },
      { name: 'op', kind: 'text', role: 'operation' },
      { name: 'number', path: 'after.number', kind: 'text' },
      { name: 'status', path: 'after.status', kind: 'text' },
      { name: 'customer_id', path: 'after.customer.id', kind: 'int64' },
      { name: 'customer_name', path: 'after.customer.name', kind: 'text' },
      { name: 'customer_email', path: 'after.customer.email', kind: 'text' },
      { name: 'city', path: 'after.address.city', kind: 'text' },
      { name: 'amount', path: 'after.amount', kind: 'amount', role: 'amount' },
      { name: 'currency', path: 'after.currency', kind: 'text' },
      { name: 'items', path: 'after.items', kind: 'json' },
      { name: 'created', path: 'after.created', kind: 'timestamp' },
      { name: 'event_time', path: 'source.ts_ms', kind: 'timestamp', role: 'event_time' },
    ],
    embedded: ['after'],
    ignore: ['source', 'before', 'updateDescription', 'transaction', 'ts_ms', 'ts_us', 'ts_ns'],
    deletes: { operations: ['d'] },
  }),
  'of the benchmark',
);

/** A relational connector whose messages have their schema with them. About 4 KB each. */
export function relationalEvents(count: number): Messages {
  const random = new Random(12);
  const schema = JSON.stringify(envelopeSchema());
  const values: Buffer[] = [];
  const keys: Buffer[] = [];
  for (let n = 0; n < count; n++) {
    const ms = START_MS + n * 3;
    const row = relationalRow(n, ms, random);
    const source = {
      version: '3.0.2.Final',
      connector: 'postgresql',
      name: 'shop',
      ts_ms: ms,
      snapshot: 'false',
      db: 'shop',
      sequence: `["${24_023_128 + n}","${24_023_128 + n}"]`,
      schema: 'public',
      table: 'orders',
      txId: 555 + n,
      lsn: 24_023_128 + n,
      xmin: null,
    };
    const payload = {
      before: { ...row, status: 'created' },
      after: row,
      source,
      op: 'u',
      ts_ms: ms + 9,
      transaction: null,
    };
    values.push(Buffer.from(`{"schema":${schema},"payload":${JSON.stringify(payload)}}`));
    const keySchema = {
      type: 'struct',
      fields: [field('int64', 'id', false)],
      optional: false,
      name: 'shop.public.orders.Key',
    };
    keys.push(Buffer.from(JSON.stringify({ schema: keySchema, payload: { id: row.id } })));
  }
  return { spec: RELATIONAL_SPEC, values, keys };
}

function relationalRow(n: number, ms: number, random: Random): Record<string, unknown> {
  return {
    id: 100_000 + n,
    number: `ORD-${random.below(1_000_000)}`,
    status: random.pick(STATUSES),
    customer_id: random.below(100_000),
    customer_name: random.pick(NAMES),
    email: `c${random.below(100_000)}@example.com`,
    city: random.pick(CITIES),
    amount: `${random.below(99_999)}.${10 + random.below(90)}`,
    currency: 'EUR',
    quantity: 1 + random.below(9),
    created_at: ms - 1000,
    updated_at: ms,
  };
}

const field = (type: string, name: string, optional = true, more: object = {}) => ({
  type,
  optional,
  ...more,
  field: name,
});

const ROW_FIELDS = [
  field('int64', 'id', false),
  ...['number', 'status'].map((name) => field('string', name)),
  field('int64', 'customer_id'),
  ...['customer_name', 'email', 'city', 'amount', 'currency'].map((name) => field('string', name)),
  field('int32', 'quantity'),
  ...['created_at', 'updated_at'].map((name) =>
    field('int64', name, true, { name: 'io.debezium.time.Timestamp', version: 1 }),
  ),
];
const SOURCE_FIELDS = [
  ...['version', 'connector', 'name'].map((name) => field('string', name, false)),
  field('int64', 'ts_ms', false),
  field('string', 'snapshot', true, {
    name: 'io.debezium.data.Enum',
    version: 1,
    parameters: { allowed: 'true,first,last,false' },
  }),
  ...['db', 'sequence', 'schema', 'table'].map((name) => field('string', name, name === 'sequence')),
  ...['txId', 'lsn', 'xmin'].map((name) => field('int64', name)),
];

/** As the JSON converter writes it if schemas are enabled. */
function envelopeSchema(): object {
  const struct = (name: string, fields: readonly object[], type: string) => ({
    type: 'struct',
    fields,
    optional: true,
    name: type,
    field: name,
  });
  return {
    type: 'struct',
    fields: [
      struct('before', ROW_FIELDS, 'shop.public.orders.Value'),
      struct('after', ROW_FIELDS, 'shop.public.orders.Value'),
      struct('source', SOURCE_FIELDS, 'io.debezium.connector.postgresql.Source'),
      field('string', 'op', false),
      field('int64', 'ts_ms'),
    ],
    optional: false,
    name: 'shop.public.orders.Envelope',
    version: 2,
  };
}

const RELATIONAL_SPEC = parseSpec(
  JSON.stringify({
    table: 'orders_log',
    view: 'orders',
    columns: [
      { name: 'change_id', path: 'payload.source.lsn', kind: 'text', required: true, role: 'change_id' },
      { name: 'id', path: { key: 'payload.id' }, kind: 'text', required: true, role: 'key' },
      { name: 'op', path: 'payload.op', kind: 'text', role: 'operation' },
      ...['number', 'status', 'customer_name', 'email', 'city', 'currency'].map((name) => ({
        name,
        path: `payload.after.${name}`,
        kind: 'text',
      })),
      { name: 'customer_id', path: 'payload.after.customer_id', kind: 'int64' },
      { name: 'amount', path: 'payload.after.amount', kind: 'amount', role: 'amount' },
      { name: 'quantity', path: 'payload.after.quantity', kind: 'int64' },
      { name: 'created_at', path: 'payload.after.created_at', kind: 'timestamp' },
      { name: 'event_time', path: 'payload.source.ts_ms', kind: 'timestamp', role: 'event_time' },
    ],
    ignore: [
      'schema',
      { key: 'schema' },
      'payload.before',
      'payload.source',
      'payload.ts_ms',
      'payload.transaction',
      'payload.after',
    ],
    deletes: { operations: ['d'] },
  }),
  'of the benchmark',
);
