/**
 * Writes sample orders to a MongoDB collection until a signal ends it, so that there is something to capture: new ones,
 * changes of their status, and now and then a deletion.
 *
 *   MONGODB_URI=… MONGODB_DATABASE=shop [MONGODB_COLLECTION=orders] [ORDERS_PER_SECOND=20] node deploy/orders.mjs
 */
import { Decimal128, MongoClient } from 'mongodb';

const { MONGODB_URI, MONGODB_DATABASE, MONGODB_COLLECTION = 'orders', ORDERS_PER_SECOND = '20' } = process.env;
const STATUSES = ['created', 'paid', 'packed', 'shipped', 'delivered'];
const NAMES = ['Ada', 'Björn', 'Chloé', 'Dmitri', 'Emre', 'Fatou', 'Giulia', 'Håkon', 'Inès', 'Jun'];
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF'];
const DELETED = 0.02;
/** Orders on their way; the oldest moves on first. */
const MAX_OPEN = 500;

const below = (limit) => Math.floor(Math.random() * limit);
const one = (values) => values[below(values.length)];

function order() {
  const [name, customer] = [one(NAMES), below(5000)];
  return {
    customer: { id: `C${customer}`, email: `customer.${customer}@example.com`, name },
    amount: Decimal128.fromString((Math.random() ** 4 * 5000).toFixed(2)),
    currency: one(CURRENCIES),
    status: STATUSES[0],
    items: Array.from({ length: 1 + below(3) }, () => ({ sku: `SKU-${below(1000)}`, quantity: 1 + below(5) })),
    event_time: new Date(),
  };
}

/** The next status of an order, or its deletion. @returns the order if there is more to come of it */
async function advance(orders, { _id, status }) {
  if (Math.random() < DELETED) {
    await orders.deleteOne({ _id });
    return undefined;
  }
  const next = STATUSES[STATUSES.indexOf(status) + 1];
  await orders.updateOne({ _id }, { $set: { status: next, event_time: new Date() } });
  return next === STATUSES.at(-1) ? undefined : { _id, status: next };
}

const client = await MongoClient.connect(MONGODB_URI);
const orders = client.db(MONGODB_DATABASE).collection(MONGODB_COLLECTION);
const open = [];
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    stopped = true;
  });
}
for (let written = 0; !stopped; written++) {
  const left =
    open.length >= MAX_OPEN || (open.length > 0 && written % 3 !== 0)
      ? await advance(orders, open.shift())
      : await create();
  if (left !== undefined) open.push(left);
  await new Promise((resolve) => setTimeout(resolve, 1000 / Number(ORDERS_PER_SECOND)));
}
await client.close();

async function create() {
  const { insertedId: _id } = await orders.insertOne(order());
  return { _id, status: STATUSES[0] };
}
