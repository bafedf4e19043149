/** The content of one order change event, field by field, and the ways in which a valid one can be unusual. */
import type { EventKind } from './event-kinds.js';
import { ODD_AMOUNTS } from './odd-amounts.js';
import type { Random } from './random.js';

/** Top-level fields of the event as JSON text, in the order in which they are written. */
export type OrderFields = Readonly<Record<string, string>>;

export interface Order {
  /** The order id, which is the message's key. */
  readonly key: string;
  readonly fields: OrderFields;
}

const FIRST_NAMES = ['Anna', 'Bela', 'Carlos', 'Dieter', 'Eszter', 'Fatima', 'Helene', 'Ivan', 'Jose', 'Mei'];
const LAST_NAMES = ['Kovacs', 'Schmidt', 'Garcia', 'Nguyen', 'Miller', 'Rossi', 'Jones', "O'Neil", 'Tanaka', 'Silva'];
const OPERATIONS = ['insert', 'insert', 'insert', 'update', 'update', 'update', 'replace', 'delete'];
const STATUSES = ['created', 'paid', 'packed', 'shipped', 'delivered', 'cancelled'];
const CURRENCIES = ['USD', 'EUR', 'GBP'];
const CUSTOMERS = 50_000;
const SKUS = 20_000;
/** How far event_time lies before the Kafka timestamp at most; `late` events: HOUR_MS more. */
const DELAY_MS = 2000;
const HOUR_MS = 3_600_000;

/** @param timestamp Kafka timestamp of the message, milliseconds since the epoch */
export function randomOrder(
  random: Random,
  changeId: (timestamp: number) => string,
  orders: number,
  timestamp: number,
): Order {
  const number = random.below(orders);
  const key = `ORD-${String(number).padStart(7, '0')}`;
  const customer = number % CUSTOMERS;
  const [first, last] = [random.pick(FIRST_NAMES), random.pick(LAST_NAMES)];
  const email = `${first.toLowerCase()}.${customer}@example.com`;
  const fields = {
    change_id: `"${changeId(timestamp)}"`,
    operation: `"${random.pick(OPERATIONS)}"`,
    order_id: `"${key}"`,
    customer: `{"id":"C${customer}","email":"${email}","name":"${first} ${last}"}`,
    amount: amountJson(random),
    currency: `"${random.pick(CURRENCIES)}"`,
    status: `"${random.pick(STATUSES)}"`,
    items: itemsJson(random),
    event_time: `"${new Date(timestamp - random.below(DELAY_MS)).toISOString()}"`,
  };
  return { key, fields };
}

export function orderJson(fields: OrderFields): string {
  let json = '';
  for (const name in fields) json += `${json === '' ? '{' : ','}"${name}":${fields[name]}`;
  return json === '' ? '{}' : `${json}}`;
}

/** The fields as an event of the kind has them, for the kinds of status ok. */
export function variant(fields: OrderFields, kind: EventKind, random: Random): OrderFields {
  switch (kind) {
    case 'repeat_changed':
      return { ...fields, status: '"changed"', amount: amountJson(random) };
    case 'missing_field':
      return without(fields, random.pick(OPTIONAL_FIELDS));
    case 'mistyped_field':
      return { ...fields, ...random.pick(MISTYPED) };
    case 'odd_amount':
      return { ...fields, amount: random.pick(ODD_AMOUNTS).json };
    case 'extra_fields':
      return withExtraFields(fields, random);
    case 'unicode':
      return withUnicode(fields, random);
    case 'empty_field':
      return { ...fields, ...random.pick(EMPTY) };
    case 'late':
      return { ...fields, event_time: anHourBefore(fields.event_time) };
    default:
      return fields;
  }
}

const OPTIONAL_FIELDS = ['operation', 'customer', 'amount', 'currency', 'status', 'items', 'event_time'];

const MISTYPED: readonly OrderFields[] = [
  { operation: '["insert"]' },
  { order_id: '1234567' },
  { customer: '"C17"' },
  { customer: '[{"id":"C17"}]' },
  { customer: '{"id":17,"email":{"home":"a@example.com"},"name":["A","B"]}' },
  { currency: '840' },
  { status: '{"code":3}' },
  { items: '"none"' },
  { event_time: 'true' },
  { event_time: '"yesterday"' },
  { event_time: '"2025-02-30T00:00:00Z"' },
];

const EMPTY: readonly OrderFields[] = [
  { operation: '""' },
  { order_id: '""' },
  { customer: '{}' },
  { customer: 'null' },
  { customer: '{"id":"","email":"","name":null}' },
  { amount: 'null' },
  { amount: '""' },
  { currency: 'null' },
  { status: '""' },
  { items: '[]' },
  { items: 'null' },
  { event_time: 'null' },
];

const UNICODE_NAMES = [
  'Jos\\u00e9 \\"Pepe\\" Garc\\u00EDa',
  'Müller-Lüdenscheidt',
  '田中 太郎',
  'عبد الله',
  'Zoë 🎉👩‍👩‍👧',
  '\\uD83C\\uDF89 party',
  'lone \\ud83d surrogate',
  'tab\\tline\\nslash\\/backslash\\\\nul\\u0000end',
  '\u2028 and \u2029',
  '\u00ff\u0080\u07ff\u0800\uffff\u{10ffff}',
];

function withUnicode(fields: OrderFields, random: Random): OrderFields {
  const name = random.pick(UNICODE_NAMES);
  const customer = `{"\\u0069d":"C\\u0031","email":"${random.hex(4)}@exämple.com","n\\u0061me":"${name}"}`;
  return { ...without(fields, 'status'), 'st\\u0061tus': '"p\\u0061id"', customer };
}

function withExtraFields(fields: OrderFields, random: Random): OrderFields {
  const phone = `{"phone":"+1 ${random.below(1_000_000)}",${fields.customer.slice(1)}`;
  return {
    source: '{"db":"shop","tags":["a",{"b":null}]}',
    ...fields,
    customer: phone,
    'n\\u006fte': '"left at \\"door\\""',
  };
}

function amountJson(random: Random): string {
  const value = Math.min(Math.exp(5.5 + 1.3 * random.normal()), 250_000);
  const plain = value.toFixed(2);
  const form = random.next();
  if (form < 0.5) return plain;
  if (form < 0.55) return `"${plain}"`;
  const [whole, cents] = plain.split('.');
  if (form < 0.8) return `"$${grouped(whole, ',')}.${cents}"`;
  return `"${grouped(whole, '.')},${cents} €"`;
}

function grouped(digits: string, separator: string): string {
  return digits.length > 3 ? `${digits.slice(0, -3)}${separator}${digits.slice(-3)}` : digits;
}

function itemsJson(random: Random): string {
  const count = 1 + random.below(2);
  let json = '';
  for (let i = 0; i < count; i++) {
    const sku = String(random.below(SKUS)).padStart(5, '0');
    const price = (random.below(20_000) / 100).toFixed(2);
    json += `${i === 0 ? '[' : ','}{"sku":"SKU-${sku}","qty":${1 + random.below(8)},"price":"${price}"}`;
  }
  return `${json}]`;
}

function anHourBefore(timeJson: string): string {
  return JSON.stringify(new Date(Date.parse(JSON.parse(timeJson)) - HOUR_MS));
}

function without(fields: OrderFields, name: string): OrderFields {
  const { [name]: _left, ...rest } = fields;
  return rest;
}
