/**
 * What the orders of `sluice capture` are expected to be: all of it warns. It is a preset of its own, so that the spec
 * of directories that have none stays what it is.
 */
import type { Expectation } from './expectations.js';

type Draft = Omit<Expectation, 'action'>;

const OPERATIONS = [
  ...['insert', 'update', 'replace', 'delete', 'vanished', 'snapshot', 'snapshot_begin', 'snapshot_end'],
] as const;

export const ORDERS_EXPECTATIONS: readonly Draft[] = [
  { name: 'order_id_length', column: 'order_id', length: { min: 1, max: 128 } },
  { name: 'operation_known', column: 'operation', values: OPERATIONS },
  { name: 'customer_id_length', column: 'customer_id', length: { min: 1, max: 128 } },
  { name: 'customer_email_form', column: 'customer_email', pattern: '[^@\\s]+@[^@\\s]+\\.[^@\\s]+' },
  { name: 'customer_email_nulls', column: 'customer_email', nulls: { max_share: 0.5, per: 'batch' } },
  { name: 'amount_range', column: 'amount', range: { min: '0', max: '1000000' } },
  { name: 'amount_nulls', column: 'amount', nulls: { max_share: 0.2, per: 'batch' } },
  { name: 'currency_code', column: 'currency', pattern: '[A-Z]{3}' },
  {
    name: 'status_known',
    column: 'status',
    values: ['created', 'paid', 'packed', 'shipped', 'delivered', 'cancelled'],
  },
  { name: 'event_time_given', column: 'event_time', not_null: true },
  { name: 'event_time_range', column: 'event_time', range: { min: '2000-01-01', max: '2100-01-01' } },
  { name: 'late_rows', late: { max_share: 0.5, per: 'batch' } },
];
