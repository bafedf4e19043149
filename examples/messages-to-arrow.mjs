/** Change events of orders to Arrow, with the library: docs/library.md. */
import { tableFromIPC } from 'apache-arrow';
import { Kernel, readSpec } from 'sluice-cdc';

const events = [
  { change_id: 'c1', change_seq: 1, op: 'insert', order_id: 'o1', status: 'created', amount: '1250.50' },
  { change_id: 'c2', change_seq: 2, op: 'update', order_id: 'o1', status: 'paid', amount: '1250.50' },
  'damaged',
];

const kernel = new Kernel(readSpec('preset:capture'), { highValueThreshold: '1000' });
const messages = events.map((event) => ({
  value: Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)),
}));
const { arrow, rows, rejected } = kernel.read(messages);

const table = tableFromIPC(arrow);
console.log(`${rows} rows: ${[...table.getChild('status')].join(', ')}`);
for (const { message, status, position } of rejected) console.log(`message ${message}: ${status} at byte ${position}`);
