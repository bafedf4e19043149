import { describe, expect, it } from 'vitest';
import { arrowSchema } from '../../src/schema/arrow.js';
import { tableColumns } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';

describe('the orders spec', () => {
  it('makes the columns of the design, in order', () => {
    expect(tableColumns(ORDERS_SPEC).map(({ name }) => name)).toEqual([
      ...[
        'change_id',
        'operation',
        'order_id',
        'customer_id',
        'customer_email',
        'customer_name',
        'amount',
        'amount_raw',
      ],
      ...['currency', 'status', 'items', 'event_time', 'order_id_type', 'extra', 'is_high_value', 'is_late', 'issues'],
      ...['kafka_partition', 'kafka_offset', 'kafka_timestamp', 'change_seq'],
    ]);
    expect(String(arrowSchema(ORDERS_SPEC).fields.find(({ name }) => name === 'amount')?.type)).toBe('Decimal[18e+4]');
  });
});

describe('the columns of a table', () => {
  it('have the types of their kinds; only required text and JSON, and what Sluice counts, are never null', () => {
    const column = (name: string, kind: string, more: object = {}) => ({ name, kind, ...more });
    const spec = parseSpec(
      JSON.stringify({
        table: 't',
        view: 'v',
        columns: [
          column('id', 'text', { required: true, role: 'key' }),
          column('doc', 'json', { required: true }),
          column('note', 'text'),
          column('more', 'json'),
          column('price', 'amount', { required: true, raw: 'price_raw' }),
          column('at', 'timestamp', { required: true }),
          column('day', 'date'),
          column('count', 'int64', { required: true }),
          column('flag', 'bool'),
        ],
      }),
      's',
    );
    expect(tableColumns(spec).map(({ name, type, source, nullable }) => [name, type, source, nullable])).toEqual([
      ['id', 'utf8', 0, false],
      ['doc', 'utf8', 1, false],
      ['note', 'utf8', 2, true],
      ['more', 'utf8', 3, true],
      ['price', 'decimal', 4, true],
      ['price_raw', 'utf8', 4, true],
      ['at', 'timestamp_us_utc', 5, true],
      ['day', 'date32', 6, true],
      ['count', 'int64', 7, true],
      ['flag', 'bool', 8, true],
      ['extra', 'utf8', undefined, true],
      ['is_high_value', 'bool', undefined, false],
      ['is_late', 'bool', undefined, false],
      ['issues', 'int64', undefined, false],
      ['kafka_partition', 'int32', undefined, false],
      ['kafka_offset', 'int64', undefined, false],
      ['kafka_timestamp', 'timestamp_us_utc', undefined, true],
      ['change_seq', 'uint64', undefined, false],
    ]);
  });
});
