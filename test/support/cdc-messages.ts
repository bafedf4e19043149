/** Change events as connectors write them: JSON in strings, a key of its own, a schema in each message, tombstones. */
import { parseSpec } from '../../src/schema/spec-file.js';
import type { Random } from './random.js';
import { filled } from './shapes.js';

export const CDC_SPEC = parseSpec(
  JSON.stringify({
    table: 't',
    view: 'v',
    columns: [
      { name: 'change', paths: ['source.id', { key: 'change' }], kind: 'text', required: true, role: 'change_id' },
      { name: 'key', paths: ['after._id', 'before._id', { key: 'id._id' }], kind: 'text', required: true, role: 'key' },
      { name: 'op', kind: 'text', role: 'operation' },
      { name: 'name', paths: ['after.name', 'before.name', 'name'], kind: 'text' },
      { name: 'amount', path: 'after.amount', kind: 'amount', raw: 'amount_raw', role: 'amount' },
      { name: 'items', path: 'after.items', kind: 'json' },
      { name: 'city', path: 'after.address.city', kind: 'text' },
      { name: 'inner', path: 'after.more.inner', kind: 'int64' },
      { name: 'count', paths: ['after.n', 'before.n'], kind: 'int64' },
      { name: 'time', path: 'ts_ms', kind: 'timestamp', role: 'event_time' },
      { name: 'source_time', path: 'source.ts_ms', kind: 'timestamp' },
    ],
    embedded: ['after', 'before', 'after.more', { key: 'id' }],
    ignore: ['schema', 'source', 'transaction', 'after.secret', { key: 'schema' }],
    deletes: { tombstone: true },
  }),
  'of the test',
);

const fields = (count: number, name: string) =>
  Array.from({ length: count }, (_, n) => `{"type":"string","optional":true,"field":"${name}_${n}"}`).join(',');
const SCHEMA = `{"type":"struct","fields":[${fields(40, 'field')}],"name":"server.Envelope","version":1}`;
const OTHER_SCHEMA = SCHEMA.replace('field_7"', 'field_8"');
const SOURCE = '{"version":"2.7.0","name":"%","ts_ms":#,"id":"82%","sequence":["%",null],"db":"shop"}';

/** Objects that are in strings; `%`, `#` and `@` as in shapes.ts. */
const DOCUMENTS = [
  '{"_id":{"$oid":"64f1c0a2e4b0c3d2a1b0c9d8"},"name":"%","amount":{"$numberDecimal":"12.50"},"n":#,"note":"%"}',
  '{"_id": "%", "name": "%", "address": {"city": "%", "zip": "%"}, "items": [{"sku": "%", "n": #}], "n": #}',
  '{"_id":#,"items":["%","%"],"secret":"%","amount":"%","x":{"y":[#,{}]}}',
  '{"name":"%","_id":"%"}',
  '{"_id":"%","more":{"inner":#,"y":"%"},"address":"%"}',
  '{"_id":"%","amount":@,"n":@,"items":@}',
  ' {"_id":"%","a":"%"} ',
  '{}',
];
/** What else may be in the place of an object. */
const OTHERS = [
  'null',
  '[]',
  '5',
  '"text"',
  '',
  '{',
  '{"_id":"a"',
  '{"_id":"a"}x',
  '{"_id":"a\u0001"}',
  '"',
  '{"_id":01}',
];
const ENVELOPES = [
  '{"after":AFTER,"before":null,"source":SOURCE,"op":"c","ts_ms":#,"transaction":null}',
  '{"before":BEFORE,"after":AFTER,"source":SOURCE,"op":"u","ts_ms":#}',
  '{"schema":SCHEMA,"after":AFTER,"source":SOURCE,"op":"u","ts_ms":#,"rest":{"x":"%"}}',
  '{"before":BEFORE,"source":SOURCE,"op":"d","ts_ms":#,"after":null}',
  '{ "source" : SOURCE , "after" : AFTER }\n',
  '{"source":SOURCE,"name":"%","op":@,"after":AFTER,"after":AFTER}',
];
const KEYS = [
  '{"id":ID}',
  '{"schema":{"type":"struct"},"id":ID,"change":"%"}',
  '{"change":"82%","other":#,"id":ID}',
  '{"id":null}',
  '"%"',
  '#',
];

/** Makes messages of a few shapes; tombstones, and what is no JSON, are among them. */
export function cdcMessages(random: Random): (batch: Random) => { key: string | null; value: string | null } {
  const pick = <T>(of: readonly T[]) => Array.from({ length: 1 + random.below(3) }, () => random.pick(of));
  const [documents, envelopes, keys] = [pick(DOCUMENTS), pick(ENVELOPES), pick(KEYS)];
  const oddness = random.pick([0, 0.02, 0.2]);
  const schemas = random.pick([[SCHEMA], [SCHEMA, OTHER_SCHEMA]]);
  return (batch) => {
    const fill = (shape: string) => filled(shape, batch).toString();
    const isOdd = () => batch.next() < oddness;
    const document = () => {
      if (isOdd())
        return batch.pick(['null', '[1]', '5', fill(batch.pick(DOCUMENTS)), JSON.stringify(batch.pick(OTHERS))]);
      const object = fill(batch.pick(isOdd() ? DOCUMENTS : documents));
      const nested = isOdd()
        ? object.replace(/"more":(\{[^{}]*\})/, (_, more) => `"more":${JSON.stringify(more)}`)
        : object;
      const text = JSON.stringify(nested);
      return isOdd() ? text.replace(/\\"/g, '\\u0022') : text;
    };
    const value = () =>
      fill(batch.pick(isOdd() ? ENVELOPES : envelopes))
        .replace(/AFTER|BEFORE/g, document)
        .replace('SOURCE', () => fill(SOURCE))
        .replace('SCHEMA', () => (isOdd() ? '{"x":1}' : batch.pick(schemas)));
    const key = () =>
      fill(batch.pick(isOdd() ? KEYS : keys)).replace('ID', () => JSON.stringify(`{"_id":"${batch.hex(4)}","of":1}`));
    return { key: isOdd() ? batch.pick([null, '', '{']) : key(), value: isOdd() ? null : value() };
  };
}
