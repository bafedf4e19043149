import { describe, expect, it } from 'vitest';
import { arrowSchema } from '../../src/schema/arrow.js';
import { tableColumns } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';

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
