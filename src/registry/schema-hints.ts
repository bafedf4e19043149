/** What a registry's schema says of fields, for a table spec that is inferred from messages of it. */
import { hintOfDecimal, hintOfName, hintOfScale } from '../schema/connect-types.js';
import type { FieldHint, HintOf } from '../schema/field-hint.js';
import { AVRO, type AvroType, parseAvroSchema } from './avro-schema.js';
import { jsonSchemasAt } from './json-schema.js';
import type { MessageFormat } from './settings.js';

/** Of a schema that can be used. */
export function schemaHints(
  format: Exclude<MessageFormat, 'json'>,
  text: string,
  references: readonly string[],
): HintOf {
  if (format === 'avro') {
    const schema = parseAvroSchema(text, references);
    return (names) => only(avroTypesAt(schema, names).map(avroHint));
  }
  const root: unknown = JSON.parse(text);
  return (names) => only(jsonSchemasAt(root, names).map(jsonHint));
}

/** Of several types of one field no one tells. */
function only(hints: readonly (FieldHint | undefined)[]): FieldHint | undefined {
  return hints.length === 1 ? hints[0] : undefined;
}

/** What a field can be, but for null. */
function avroTypesAt(type: AvroType, names: readonly string[]): AvroType[] {
  if (type.kind === AVRO.union) return type.children.flatMap((branch) => avroTypesAt(branch, names));
  if (names.length === 0) return type.kind === AVRO.null ? [] : [type];
  const field = type.kind === AVRO.record ? type.names.indexOf(names[0]) : -1;
  return field === -1 ? [] : avroTypesAt(type.children[field], names.slice(1));
}

/** Of Avro's own logical types, and what Connect's converter writes of its own. */
const LOGICAL: Readonly<Record<string, FieldHint>> = {
  'timestamp-millis': { kind: 'timestamp' },
  'local-timestamp-millis': { kind: 'timestamp' },
  'timestamp-micros': { kind: 'timestamp', unit: 'us' },
  'local-timestamp-micros': { kind: 'timestamp', unit: 'us' },
  'timestamp-nanos': { kind: 'timestamp', unit: 'ns' },
  'local-timestamp-nanos': { kind: 'timestamp', unit: 'ns' },
  uuid: { kind: 'uuid' },
  'time-millis': { kind: 'int64' },
  'time-micros': { kind: 'int64' },
};

const BYTES: FieldHint = { kind: 'binary' };

function avroHint({ kind, scale, meaning }: AvroType): FieldHint | undefined {
  // They are decimal text and dates in text by now, and no longer what Connect calls them.
  if (scale >= 0) return hintOfScale(scale);
  if (kind === AVRO.date) return { kind: 'date' };
  if (kind === AVRO.bytes || kind === AVRO.fixed) return BYTES;
  const hint = hintOfName(meaning) ?? (Object.hasOwn(LOGICAL, meaning) ? LOGICAL[meaning] : undefined);
  return hint ?? AVRO_KINDS[kind];
}

const TEXT: FieldHint = { kind: 'text', isWeak: true };
const INTEGER: FieldHint = { kind: 'int64', isWeak: true };
const BOOLEAN: FieldHint = { kind: 'bool', isWeak: true };
const CONTAINER: FieldHint = { kind: 'json', isWeak: true };
const FRACTION: FieldHint = { kind: 'amount', isWeak: true, isFraction: true };

const AVRO_KINDS: Readonly<Record<number, FieldHint>> = {
  [AVRO.boolean]: BOOLEAN,
  [AVRO.int]: INTEGER,
  [AVRO.long]: INTEGER,
  [AVRO.float]: FRACTION,
  [AVRO.double]: FRACTION,
  [AVRO.string]: TEXT,
  [AVRO.enum]: TEXT,
  [AVRO.record]: CONTAINER,
  [AVRO.map]: CONTAINER,
  [AVRO.array]: CONTAINER,
};

const JSON_KINDS: Readonly<Record<string, FieldHint>> = {
  boolean: BOOLEAN,
  integer: INTEGER,
  number: FRACTION,
  string: TEXT,
  object: CONTAINER,
  array: CONTAINER,
};

/** Connect's converter writes its own types as `title` and `connect.parameters`. */
function jsonHint(schema: { readonly [key: string]: unknown }): FieldHint | undefined {
  const { title, format } = schema;
  const types = [schema.type].flat().filter((type) => type !== 'null');
  const [type] = types;
  if (types.length !== 1 || typeof type !== 'string') return undefined;
  const ofConnect = hintOfName(title) ?? (type === 'string' && hintOfDecimal(title, schema['connect.parameters']));
  if (ofConnect) return ofConnect;
  if (type === 'string' && format === 'date-time') return { kind: 'timestamp' };
  if (type === 'string' && format === 'date') return { kind: 'date' };
  return schema['connect.type'] === 'bytes' && type === 'string' ? BYTES : JSON_KINDS[type];
}
