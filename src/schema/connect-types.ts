/** What Connect's logical types say of fields, where their JSON alone does not tell. */
import type { FieldHint } from './field-hint.js';
import { isObject } from './sample-fields.js';
import { AMOUNT_SIZE, MAX_PRECISION, MAX_SCALE } from './spec.js';

/** By their names; https://debezium.io/documentation/reference/connectors/postgresql.html */
const TYPES: Readonly<Record<string, FieldHint>> = {
  'org.apache.kafka.connect.data.Date': { kind: 'date', unit: 'd' },
  'org.apache.kafka.connect.data.Timestamp': { kind: 'timestamp' },
  'io.debezium.time.Date': { kind: 'date', unit: 'd' },
  'io.debezium.time.Timestamp': { kind: 'timestamp' },
  'io.debezium.time.MicroTimestamp': { kind: 'timestamp', unit: 'us' },
  'io.debezium.time.NanoTimestamp': { kind: 'timestamp', unit: 'ns' },
  'io.debezium.time.ZonedTimestamp': { kind: 'timestamp' },
  'io.debezium.data.Uuid': { kind: 'uuid' },
  'io.debezium.data.Json': { kind: 'text', doubt: 'Texts of JSON.' },
};
const DECIMAL = 'org.apache.kafka.connect.data.Decimal';

/** @returns undefined if it says no more of a field than its JSON; decimals depend on how they are written */
export function hintOfName(name: unknown): FieldHint | undefined {
  return typeof name === 'string' && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
}

/** Decimals whose texts are base64. @returns undefined if the type is none, or has no scale among its parameters */
export function hintOfDecimal(name: unknown, parameters: unknown): FieldHint | undefined {
  if (name !== DECIMAL) return undefined;
  const scale = Number(isObject(parameters) ? parameters.scale : Number.NaN);
  return Number.isInteger(scale) && scale >= 0 && scale <= MAX_SCALE
    ? { ...hintOfScale(scale), encoding: 'base64', scale }
    : undefined;
}

/** An amount, or of more decimals a decimal, of which the schema's own precision is often missing. */
export function hintOfScale(scale: number): FieldHint {
  const isWide = scale > AMOUNT_SIZE.scale && scale <= MAX_SCALE;
  return isWide ? { kind: 'decimal', precision: MAX_PRECISION, scale } : { kind: 'amount', raw: true };
}

/**
 * Of the schema in the wrapper of Connect's JsonConverter.
 * @param schema the wrapper's
 * @param names the path of a field in the payload
 * @returns undefined if the schema has no such field, or says no more of it than its JSON
 */
export function connectType(schema: unknown, names: readonly string[]): FieldHint | undefined {
  let type = schema;
  for (const name of names) {
    const fields: unknown = isObject(type) ? type.fields : undefined;
    if (!Array.isArray(fields)) return undefined;
    type = fields.find((field) => isObject(field) && field.field === name);
  }
  return isObject(type) ? (hintOfName(type.name) ?? hintOfDecimal(type.name, type.parameters)) : undefined;
}
