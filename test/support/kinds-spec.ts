/** A spec for the reading rules. */
import { parseSpec } from '../../src/schema/spec-file.js';

/** A column of each kind, and keys that are easily confused. */
export const KINDS_SPEC = parseSpec(
  JSON.stringify({
    table: 't',
    view: 'v',
    columns: [
      { name: 'id', kind: 'text', required: true, role: 'change_id' },
      { name: 'key', kind: 'text', required: true, role: 'key' },
      { name: 'text', kind: 'text' },
      { name: 'json', kind: 'json' },
      { name: 'amount', kind: 'amount', raw: 'amount_raw', role: 'amount' },
      { name: 'time', kind: 'timestamp', role: 'event_time' },
      { name: 'day', kind: 'date' },
      { name: 'int', kind: 'int64' },
      { name: 'flag', kind: 'bool' },
      { name: 'empty', path: [''], kind: 'text' },
      { name: 'prefix', path: ['tex'], kind: 'text' },
      { name: 'longer', path: ['texts'], kind: 'text' },
      { name: 'dotted', path: ['a.b'], kind: 'text' },
      { name: 'quoted', path: ['say "hi"\\'], kind: 'text' },
      { name: 'deep', path: ['a', 'b', 'c', 'd'], kind: 'text' },
      { name: 'same_leaf', path: ['a', 'd'], kind: 'text' },
      { name: 'accent', path: ['schön'], kind: 'text' },
      { name: 'other_leaf', path: ['b', 'd'], kind: 'int64' },
      { name: 'other_text', path: ['b', 'text'], kind: 'text' },
      { name: 'other_json', path: ['b', 'json'], kind: 'json' },
      { name: 'other_amount', path: ['b', 'amount'], kind: 'amount', raw: 'other_amount_raw' },
      { name: 'inner_flag', path: ['b', 'a', 'flag'], kind: 'bool' },
      { name: 'inner_empty', path: ['b', '', ''], kind: 'timestamp' },
      { name: 'price', kind: 'amount' },
      { name: 'double', kind: 'double' },
      { name: 'seconds', kind: 'timestamp', unit: 's' },
      { name: 'micros', kind: 'timestamp', unit: 'us' },
      { name: 'nanos', kind: 'timestamp', unit: 'ns' },
      { name: 'day_of_seconds', path: ['b', 'day'], kind: 'date', unit: 's' },
    ],
  }),
  'of the test',
);
