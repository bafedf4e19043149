/** Orders in a collection: random writes, and how they look in DuckDB in the end. */
import { type Collection, Decimal128, Long } from 'mongodb';
import { expect } from 'vitest';
import { runCli } from '../support/cli.js';
import type { Random } from '../support/random.js';
import { queryFile } from './support.js';

export interface Order {
  _id: string;
  [field: string]: unknown;
}

const ORDERS = `
  SELECT order_id, customer_id, customer_name, amount::VARCHAR AS amount, status, items, extra FROM orders`;

/** The rows of the view, as what they came from: amounts with four decimals. No process may run on the directory. */
export async function orderRows(dataDir: string): Promise<Map<unknown, unknown>> {
  return rowsById(await queryFile(dataDir, ORDERS));
}

/** The same, asked of the running process by `sluice query`. */
export async function liveOrderRows(env: Record<string, string>): Promise<Map<unknown, unknown>> {
  const { code, stdout, stderr } = await runCli(['query', '--format', 'json', ORDERS], { env });
  expect(code, stderr).toBe(0);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return rowsById(lines.map((line) => Object.values(JSON.parse(line))));
}

function rowsById(rows: readonly (readonly unknown[])[]): Map<unknown, unknown> {
  return new Map(
    rows.map(([id, customer, name, amount, status, items, extra]) => {
      const { cluster_time: _, ...rest } = JSON.parse((extra as string | null) ?? '{}');
      return [id, { customer, name, amount, status, items, extra: rest }];
    }),
  );
}

/** The rows that the view should have. */
export async function collectionRows(orders: Collection<Order>): Promise<Map<unknown, unknown>> {
  const documents = await orders.find({}, { promoteValues: true, promoteLongs: false }).toArray();
  return new Map(
    documents.map(({ _id, customer, amount, status, items, stock, at, deep }) => {
      const { id = null, name = null } = (customer as { id?: string; name?: string } | undefined) ?? {};
      const extra: Record<string, unknown> = {};
      if (stock !== undefined) extra.stock = { $numberLong: String(stock) };
      if (at !== undefined) extra.at = { $date: { $numberLong: String((at as Date).getTime()) } };
      if (deep !== undefined) extra.deep = deep;
      return [
        _id,
        {
          customer: id,
          name,
          amount: amount === undefined ? null : Number(amount).toFixed(4),
          status: status ?? null,
          items: items === undefined ? null : JSON.stringify(items),
          extra,
        },
      ];
    }),
  );
}

/** One random write; the ids of a writer are its own or everybody's. */
export async function write(orders: Collection<Order>, random: Random): Promise<void> {
  const _id = `ü-${random.below(400)}`;
  const order: Order = {
    _id,
    amount: Decimal128.fromString(`${random.below(100_000)}.${10 + random.below(90)}`),
    status: random.pick(['created', 'paid', 'shipped “é😀”']),
    items: [{ sku: `s${random.below(9)}`, qty: random.below(5) }],
  };
  if (random.next() < 0.8) order.customer = { id: `c${random.below(50)}`, name: random.pick(['Ωmega', 'Bela']) };
  if (random.next() < 0.5) order.stock = Long.fromString('9007199254740993').add(random.below(9));
  if (random.next() < 0.5) order.at = new Date(random.below(2e9) - 1e9);
  if (random.next() < 0.3) order.deep = { ünï: [1.5, null, { x: true }] };
  const kind = random.next();
  const { _id: __, ...fields } = order;
  if (kind < 0.5) await orders.replaceOne({ _id }, fields, { upsert: true });
  else if (kind < 0.8) await orders.updateOne({ _id }, { $set: { status: order.status, amount: order.amount } });
  else if (kind < 0.9) await orders.updateOne({ _id }, { $unset: { customer: 1 } });
  else await orders.deleteOne({ _id });
}
