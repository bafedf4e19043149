/** A table spec, some of whose messages are rows only if a column is not required: what a replay needs. */

export function shopSpec(required: boolean, expectations: readonly object[] = []): string {
  return JSON.stringify({
    table: 'cdc_orders',
    view: 'orders',
    columns: [
      { name: 'id', kind: 'text', required: true, role: 'change_id' },
      { name: 'key', kind: 'text', required: true, role: 'key' },
      { name: 'operation', kind: 'text', role: 'operation' },
      { name: 'at', kind: 'timestamp', role: 'event_time' },
      { name: 'shop', kind: 'text', required },
    ],
    expectations,
  });
}
