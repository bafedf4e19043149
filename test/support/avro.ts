/** Order events as Avro behind the frame of a schema registry. */
import avsc, { type Type } from 'avsc';

const item = {
  type: 'record',
  name: 'Item',
  fields: [
    { name: 'sku', type: 'string' },
    { name: 'qty', type: 'int' },
    { name: 'price', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 }] },
  ],
};

/** What a connector would register for the orders of events.ts. */
export const ORDERS_AVRO = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'change_id', type: 'string' },
    { name: 'operation', type: { type: 'enum', name: 'Operation', symbols: ['insert', 'update', 'delete'] } },
    { name: 'order_id', type: 'string' },
    {
      name: 'customer',
      type: [
        'null',
        {
          type: 'record',
          name: 'Customer',
          fields: [
            { name: 'id', type: 'string' },
            { name: 'email', type: ['null', 'string'], default: null },
            { name: 'name', type: ['null', 'string'], default: null },
          ],
        },
      ],
    },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 } },
    { name: 'currency', type: 'string' },
    { name: 'status', type: ['null', 'string'], default: null },
    { name: 'items', type: { type: 'array', items: item } },
    { name: 'event_time', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
} as const;

/** A type of avsc for this schema: unions take plain values, 64-bit integers BigInts. */
export function avroType(schema: unknown): Type {
  const isLong = (of: unknown) => of === 'long' || (of as { readonly type?: unknown }).type === 'long';
  return avsc.Type.forSchema(schema as Parameters<typeof avsc.Type.forSchema>[0], {
    wrapUnions: false,
    typeHook: (of) => (isLong(of) ? LONG : undefined),
  });
}

const LONG = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(BigInt(value));
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' || typeof value === 'number',
  compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
});

/** A value behind the five bytes that name its schema. */
export function framed(schemaId: number, value: Uint8Array | string): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(schemaId, 1);
  return Buffer.concat([frame, Buffer.from(value)]);
}

/** An unscaled integer as Avro writes decimals: two's complement, big endian, as short as it goes. */
export function decimalBytes(unscaled: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length++;
  const hex = BigInt.asUintN(length * 8, unscaled).toString(16);
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex');
}

/** An order of events.ts, as JSON, in the fields of ORDERS_AVRO. */
export function avroOrder(json: string): object {
  const order = JSON.parse(json) as Record<string, unknown>;
  const cents = (amount: unknown) => {
    const digits = String(amount).replace(/[^0-9]/g, '');
    return decimalBytes(BigInt(digits === '' ? 0 : digits.slice(0, 16)));
  };
  const items = (order.items as { sku?: unknown; qty?: unknown; price?: unknown }[]) ?? [];
  const { customer = null } = order as { customer?: { id?: unknown; email?: unknown; name?: unknown } | null };
  const text = (value: unknown) => (value === undefined || value === null ? null : String(value));
  return {
    change_id: String(order.change_id),
    operation: ['insert', 'update', 'delete'].includes(String(order.operation)) ? order.operation : 'update',
    order_id: String(order.order_id),
    customer: customer && { id: String(customer.id), email: text(customer.email), name: text(customer.name) },
    amount: cents(order.amount),
    currency: text(order.currency) ?? 'USD',
    status: text(order.status),
    items: items.map(({ sku, qty, price }) => ({
      sku: String(sku),
      qty: Number(qty),
      price: price == null ? null : cents(price),
    })),
    event_time: BigInt(Date.parse(String(order.event_time)) || 0),
    note: null,
  };
}
