/**
 * Table specs for the topics of connectors, with orders as an example: what `sluice spec --preset` prints to be edited.
 * Nothing of a connector is anywhere else. Each reads messages with and without the wrapper of Connect's JsonConverter
 * (`schemas.enable`): `{"schema":…,"payload":…}`.
 */
import { ORDERS_EXPECTATIONS } from './orders-checked.js';

/** A spec as people write it (spec-file.ts). */
type SpecJson = Readonly<Record<string, unknown>>;
type Path = string | readonly string[] | { readonly key: string | readonly string[] };

const namesOf = (path: string | readonly string[]) => (typeof path === 'string' ? path.split('.') : path);

/** The paths in the wrapper's payload, and without it. */
function either(...paths: Path[]): Path[] {
  return paths.flatMap((path): Path[] => {
    if (typeof path === 'object' && 'key' in path) return [{ key: ['payload', ...namesOf(path.key)] }, path];
    return [['payload', ...namesOf(path)], path];
  });
}

/** Copies of an object: before a change, and what an update changed, by dotted paths. */
function copies(of: string, before: string, updated?: string): SpecJson[] {
  const [origins, dotted] = [either(of), updated === undefined ? [] : either(updated)];
  const whole = either(before).map((path, index) => ({ path, of: origins[index] }));
  return [...whole, ...dotted.map((path, index) => ({ path, of: origins[index], dotted: true }))];
}

const WRAPPER: readonly Path[] = ['schema', { key: 'schema' }];
const DEBEZIUM_OPERATIONS = { c: 'insert', r: 'snapshot', u: 'update', d: 'delete' };
const MONGODB_OPERATIONS = { insert: 'insert', update: 'update', replace: 'replace', delete: 'delete' };

const capture: SpecJson = {
  comment: 'Topics of "sluice capture".',
  table: 'cdc_orders',
  view: 'orders',
  columns: [
    { name: 'change_id', kind: 'text', required: true, role: 'change_id' },
    { name: 'operation', kind: 'text', role: 'operation' },
    { name: 'order_id', kind: 'text', required: true, role: 'key' },
    { name: 'customer_id', path: 'customer.id', kind: 'text' },
    { name: 'customer_email', path: 'customer.email', kind: 'text' },
    { name: 'customer_name', path: 'customer.name', kind: 'text' },
    { name: 'amount', kind: 'amount', role: 'amount', raw: 'amount_raw' },
    { name: 'currency', kind: 'text' },
    { name: 'status', kind: 'text' },
    { name: 'items', kind: 'json' },
    { name: 'event_time', kind: 'timestamp', role: 'event_time' },
    { name: 'order_id_type', kind: 'text', role: 'key_type' },
  ],
};

const debezium: SpecJson = {
  comment: 'Debezium for PostgreSQL, MySQL, SQL Server and others with rows in "before" and "after".',
  table: 'cdc_orders',
  view: 'orders',
  deletes: { operations: ['delete'], tombstone: true },
  ignore: WRAPPER,
  copies: copies('after', 'before'),
  columns: [
    {
      name: 'order_id',
      paths: either('after.order_id', 'before.order_id', { key: 'order_id' }),
      kind: 'text',
      required: true,
      role: 'key',
      comment: 'The primary key. Deletes have it in "before", tombstones only in the message key.',
    },
    {
      name: 'operation',
      paths: either('op'),
      kind: 'text',
      required: true,
      role: 'operation',
      operations: DEBEZIUM_OPERATIONS,
      comment:
        'What has none is no change: heartbeats and the like go to the quarantine, and truncates for want of a key. ' +
        'A word that is not here makes a row, in the view, with operation null and its issue.',
    },
    { name: 'customer_id', paths: either('after.customer_id'), kind: 'text' },
    {
      name: 'amount',
      paths: either('after.amount'),
      kind: 'amount',
      role: 'amount',
      raw: 'amount_raw',
      encoding: 'base64',
      scale: 2,
      comment: 'NUMERIC(n,2) of decimal.handling.mode=precise. Remove encoding and scale for string and double.',
    },
    { name: 'status', paths: either('after.status'), kind: 'text' },
    {
      name: 'ordered_on',
      paths: either('after.ordered_on'),
      kind: 'date',
      unit: 'd',
      comment: 'DATE: io.debezium.time.Date, days since 1970.',
    },
    {
      name: 'updated_at',
      paths: either('after.updated_at'),
      kind: 'timestamp',
      unit: 'us',
      comment: 'TIMESTAMP: microseconds. TIMESTAMPTZ is text, for which the unit does not matter.',
    },
    { name: 'event_time', paths: either('source.ts_ms'), kind: 'timestamp', role: 'event_time' },
  ],
};

const debeziumFlat: SpecJson = {
  comment:
    'Debezium with ExtractNewRecordState or ExtractNewDocumentState: add.fields=op,source.ts_ms, and ' +
    'delete.tombstone.handling.mode=rewrite-with-tombstone, rewrite or tombstone.',
  table: 'cdc_orders',
  view: 'orders',
  deletes: { operations: ['delete'], flag: 'deleted', tombstone: 'payload' },
  ignore: WRAPPER,
  columns: [
    {
      name: 'order_id',
      paths: either('order_id', { key: 'order_id' }),
      kind: 'text',
      required: true,
      role: 'key',
      comment: 'Of MongoDB: "_id", and "id" in the message key.',
    },
    {
      name: 'operation',
      paths: either('__op'),
      kind: 'text',
      role: 'operation',
      operations: DEBEZIUM_OPERATIONS,
    },
    { name: 'deleted', paths: either('__deleted'), kind: 'bool' },
    { name: 'customer_id', paths: either('customer_id'), kind: 'text' },
    {
      name: 'amount',
      paths: either('amount'),
      kind: 'amount',
      role: 'amount',
      raw: 'amount_raw',
      encoding: 'base64',
      scale: 2,
      comment: 'NUMERIC(n,2) of decimal.handling.mode=precise. Without encoding and scale for string and double.',
    },
    { name: 'status', paths: either('status'), kind: 'text' },
    { name: 'event_time', paths: either('__source_ts_ms'), kind: 'timestamp', role: 'event_time' },
  ],
};

const debeziumMongodb: SpecJson = {
  comment: 'Debezium for MongoDB: documents are strings of extended JSON in "before" and "after".',
  table: 'cdc_orders',
  view: 'orders',
  embedded: either('before', 'after'),
  deletes: { operations: ['delete'], tombstone: true },
  ignore: WRAPPER,
  copies: copies('after', 'before', 'updateDescription.updatedFields'),
  columns: [
    {
      name: 'document_key',
      paths: either({ key: 'id' }),
      kind: 'text',
      required: true,
      role: 'key',
      comment:
        'JSON text, as Debezium writes it: "o-1" with its quotes, {"$oid":"…"}. All messages of a document have it; ' +
        'deletes without a pre-image have nothing else.',
    },
    { name: 'order_id', paths: either('after._id', 'before._id'), kind: 'text' },
    {
      name: 'operation',
      paths: either('op'),
      kind: 'text',
      required: true,
      role: 'operation',
      operations: DEBEZIUM_OPERATIONS,
      comment:
        'What has none is no change: beginnings and ends of transactions go to the quarantine. A word that is not ' +
        'here makes a row, in the view, with operation null and its issue.',
    },
    { name: 'customer_id', paths: either('after.customer.id'), kind: 'text' },
    {
      name: 'amount',
      paths: either('after.amount'),
      kind: 'amount',
      role: 'amount',
      raw: 'amount_raw',
      comment: 'Null in updates without the document: capture.mode=change_streams_update_full has it.',
    },
    { name: 'status', paths: either('after.status'), kind: 'text' },
    { name: 'items', paths: either('after.items'), kind: 'json' },
    { name: 'updated_at', paths: either('after.updated_at'), kind: 'timestamp' },
    { name: 'event_time', paths: either('source.ts_ms'), kind: 'timestamp', role: 'event_time' },
  ],
};

const mongodbConnector: SpecJson = {
  comment:
    'The source connector of MongoDB for Kafka: change events, as text (StringConverter) or with output.format.value=' +
    'schema, not inferred. Set change.stream.full.document=updateLookup, without which updates have no document.',
  table: 'cdc_orders',
  view: 'orders',
  embedded: ['payload', ...either('_id', 'documentKey', 'fullDocument', 'fullDocumentBeforeChange', 'clusterTime')],
  deletes: { operations: ['delete'] },
  ignore: ['schema'],
  copies: copies('fullDocument', 'fullDocumentBeforeChange', 'updateDescription.updatedFields'),
  columns: [
    {
      name: 'change_id',
      paths: either('_id._data'),
      kind: 'text',
      comment:
        'The resume token. With "required": true and "role": "change_id" events that the connector sent twice count ' +
        'once; but then documents that startup.mode=copy_existing has copied, without a token, go to the quarantine.',
    },
    {
      name: 'order_id',
      paths: either('documentKey._id'),
      kind: 'text',
      required: true,
      role: 'key',
      comment:
        'Events of the collection as a whole (drop, rename, invalidate) have none, and go to the quarantine. Ids of ' +
        'different types with the same text, such as 10 and "10", are one key.',
    },
    {
      name: 'operation',
      paths: either('operationType'),
      kind: 'text',
      required: true,
      role: 'operation',
      operations: MONGODB_OPERATIONS,
    },
    { name: 'customer_id', paths: either('fullDocument.customer.id'), kind: 'text' },
    { name: 'amount', paths: either('fullDocument.amount'), kind: 'amount', role: 'amount', raw: 'amount_raw' },
    { name: 'status', paths: either('fullDocument.status'), kind: 'text' },
    { name: 'items', paths: either('fullDocument.items'), kind: 'json' },
    {
      name: 'event_time',
      paths: either(['clusterTime', '$timestamp', 't']),
      kind: 'timestamp',
      unit: 's',
      role: 'event_time',
      comment:
        'Seconds; copied documents have none. wallTime, of MongoDB 6.0 on, comes in several forms: it is in extra.',
    },
  ],
};

const mongodbConnectorDocuments: SpecJson = {
  comment:
    'The source connector of MongoDB for Kafka with publish.full.document.only=true: documents. Set ' +
    'publish.full.document.only.tombstone.on.delete=true, without which deletes are not in the topic at all. What ' +
    'output.schema.infer.value makes of ObjectId and Decimal128 is not read.',
  table: 'cdc_orders',
  view: 'orders',
  embedded: ['payload', { key: 'payload' }],
  deletes: { flag: 'deleted', tombstone: true },
  ignore: WRAPPER,
  columns: [
    {
      name: 'order_id',
      paths: either('_id', { key: '_id' }),
      kind: 'text',
      required: true,
      role: 'key',
      comment:
        'Of tombstones from the message key: change.stream.document.key.as.key=true. Those of drop, rename and ' +
        'invalidate have a resume token there, and become rows of a key of their own. Ids of different types with ' +
        'the same text, such as 10 and "10", are one key.',
    },
    { name: 'deleted', path: ['__deleted'], kind: 'bool', comment: 'True in the row of a tombstone.' },
    { name: 'customer_id', paths: either('customer.id'), kind: 'text' },
    { name: 'amount', paths: either('amount'), kind: 'amount', role: 'amount', raw: 'amount_raw' },
    { name: 'status', paths: either('status'), kind: 'text' },
    { name: 'items', paths: either('items'), kind: 'json' },
    {
      name: 'event_time',
      paths: either('updated_at'),
      kind: 'timestamp',
      role: 'event_time',
      comment: 'A time that the application writes: documents do not say when they changed.',
    },
  ],
};

/** By the name that follows PRESET_PREFIX. */
export const PRESETS: Readonly<Record<string, SpecJson>> = {
  capture,
  debezium,
  'debezium-flat': debeziumFlat,
  'debezium-mongodb': debeziumMongodb,
  'mongodb-connector': mongodbConnector,
  'mongodb-connector-documents': mongodbConnectorDocuments,
  'orders-checked': { ...capture, expectations: ORDERS_EXPECTATIONS },
};

/** In place of the path of a spec file. */
export const PRESET_PREFIX = 'preset:';
