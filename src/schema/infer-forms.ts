/** The forms of messages that a sample may have: which preset is for it, and where its documents are. */
import { isObject, type JsonObject, objectIn } from './sample-fields.js';

export interface SampleForm {
  /** Whose roles, `embedded`, `ignore` and `deletes` the spec gets. */
  readonly preset: string;
  readonly matches: (value: JsonObject) => boolean;
  /** Fields of the value whose fields become columns: the first is the newest state. Empty: the value itself. */
  readonly documents: readonly string[];
  /** How to call the preset's column in the role `key`; undefined: its paths are an example. */
  readonly key: string | undefined;
  /** Of the preset's other columns, those that are of any topic. */
  readonly columns: readonly string[];
}

const has =
  (...names: readonly string[]) =>
  (value: JsonObject) =>
    names.every((name) => Object.hasOwn(value, name));

function isDebezium(value: JsonObject): boolean {
  return has('op')(value) && (has('before')(value) || has('after')(value));
}

function isOfMongodb({ source, before, after, updateDescription }: JsonObject): boolean {
  if (updateDescription !== undefined || (isObject(source) && source.connector === 'mongodb')) return true;
  return typeof before === 'string' || typeof after === 'string';
}

/** Where several match, the first one counts. */
export const FORMS: readonly SampleForm[] = [
  {
    preset: 'capture',
    matches: has('change_id', 'operation', 'order_id'),
    documents: [],
    key: 'order_id',
    columns: ['change_id', 'operation', 'event_time', 'order_id_type'],
  },
  {
    preset: 'debezium-mongodb',
    matches: (value) => isDebezium(value) && isOfMongodb(value),
    documents: ['after', 'before'],
    key: 'document_key',
    columns: ['operation', 'event_time'],
  },
  {
    preset: 'debezium',
    matches: (value) => isDebezium(value) && !isOfMongodb(value),
    documents: ['after', 'before'],
    key: undefined,
    columns: ['operation', 'event_time'],
  },
  {
    preset: 'mongodb-connector',
    matches: has('operationType', 'documentKey'),
    documents: ['fullDocument'],
    key: 'document_key',
    columns: ['change_id', 'operation', 'event_time'],
  },
  {
    preset: 'debezium-flat',
    matches: (value) => ['__op', '__deleted', '__source_ts_ms'].some((name) => Object.hasOwn(value, name)),
    documents: [],
    key: undefined,
    columns: ['operation', 'deleted', 'event_time'],
  },
  {
    preset: 'mongodb-connector-documents',
    matches: (value) => has('_id')(value) && !has('operationType')(value),
    documents: [],
    key: 'id',
    columns: ['deleted'],
  },
];

/** A message of the sample, without the wrapper of Connect's JsonConverter. */
export interface SampleMessage {
  /** Undefined: its value is a tombstone, or no JSON object. */
  readonly value: JsonObject | undefined;
  /** The schema in the wrapper. */
  readonly schema: unknown;
  readonly isWrapped: boolean;
  /** null: it has none. Text that is no JSON stays as it is. */
  readonly key: unknown;
  readonly isKeyWrapped: boolean;
}

export function sampleMessage(key: string | null, value: string | null): SampleMessage {
  const [ofKey, ofValue] = [unwrapped(json(key)), unwrapped(json(value))];
  return {
    value: isObject(ofValue.json) ? ofValue.json : undefined,
    schema: ofValue.schema,
    isWrapped: ofValue.isWrapped,
    key: ofKey.json,
    isKeyWrapped: ofKey.isWrapped,
  };
}

function json(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unwrapped(value: unknown): { json: unknown; schema: unknown; isWrapped: boolean } {
  if (!isObject(value) || !has('schema', 'payload')(value) || Object.keys(value).length !== 2) {
    return { json: value, schema: undefined, isWrapped: false };
  }
  return { json: objectIn(value.payload), schema: value.schema, isWrapped: true };
}

/** The form of at least half of the values, and undefined if no preset is for them. */
export function formOf(values: readonly JsonObject[]): SampleForm | undefined {
  const counts = FORMS.map((form) => ({ form, count: values.filter(form.matches).length }));
  const most = Math.max(...counts.map(({ count }) => count));
  return most * 2 < values.length ? undefined : counts.find(({ count }) => count === most)?.form;
}
