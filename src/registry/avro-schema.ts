/**
 * A writer's Avro schema as a tree to read values by. https://avro.apache.org/docs/1.12.0/specification/
 *
 * What follows a field's name is not looked at: defaults, aliases and orders are of readers' schemas. Of logical types
 * only `decimal` and `date` change how a value is read.
 */

/** How a value is written. */
export const AVRO = {
  null: 0,
  boolean: 1,
  int: 2,
  long: 3,
  float: 4,
  double: 5,
  bytes: 6,
  string: 7,
  fixed: 8,
  enum: 9,
  record: 10,
  array: 11,
  map: 12,
  union: 13,
  /** An int: days since the epoch. */
  date: 14,
} as const;

const PRIMITIVES: ReadonlySet<string> = new Set([
  ...['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'],
]);

/** All types have all fields: one shape is what the loop over them is fast with. */
export class AvroType {
  constructor(
    /** Of AVRO. */
    readonly kind: number,
    /** Of a record's fields, of a union's branches; of an array or a map one, of its values. */
    readonly children: AvroType[] = [],
    /** Names of the fields of a record, in order. */
    readonly names: string[] = [],
    /** JSON text: what is before each field of a record, what each symbol of an enum is. */
    readonly literals: readonly Uint8Array[] = [],
    /** Of a `fixed`: bytes. */
    readonly size = 0,
    /** Of a decimal, digits after the point; -1 for plain bytes. */
    readonly scale = -1,
    /** What a primitive type says that it means: its type in Connect, or its logical type. */
    readonly meaning = '',
  ) {}
}

/** Digits after the point of a decimal: more than any database has. */
const MAX_SCALE = 10_000;

type Json = string | readonly Json[] | { readonly [key: string]: unknown };

/**
 * Reads a schema.
 * @param references the schemas that it refers to, each after those that it refers to itself
 * @throws Error if it is no Avro schema
 */
export function parseAvroSchema(text: string, references: readonly string[] = []): AvroType {
  const named = new Map<string, AvroType>();
  for (const reference of references) parseType(JSON.parse(reference), '', named);
  return parseType(JSON.parse(text), '', named);
}

function parseType(schema: Json, namespace: string, named: Map<string, AvroType>): AvroType {
  if (typeof schema === 'string') return typeOfName(schema, namespace, named);
  if (Array.isArray(schema)) {
    const branches = schema.map((branch) => parseType(branch, namespace, named));
    return new AvroType(AVRO.union, branches);
  }
  const complex = schema as { readonly [key: string]: unknown };
  const { type } = complex;
  switch (type) {
    case 'array':
      return new AvroType(AVRO.array, [parseType(complex.items as Json, namespace, named)]);
    case 'map':
      return new AvroType(AVRO.map, [parseType(complex.values as Json, namespace, named)]);
    case 'record':
    case 'error':
    case 'enum':
    case 'fixed':
      return parseNamed(complex, type, namespace, named);
    case 'bytes':
      return new AvroType(AVRO.bytes, [], [], [], 0, scaleOf(complex), meaningOf(complex));
    case 'int':
      return primitive(complex.logicalType === 'date' ? AVRO.date : AVRO.int, complex);
    default:
      if (typeof type !== 'string' || !PRIMITIVES.has(type)) return parseType(type as Json, namespace, named);
      return primitive(AVRO[type as keyof typeof AVRO], complex);
  }
}

function primitive(kind: number, schema: { readonly [key: string]: unknown }): AvroType {
  return new AvroType(kind, [], [], [], 0, -1, meaningOf(schema));
}

function meaningOf(schema: { readonly [key: string]: unknown }): string {
  return String(schema['connect.name'] ?? schema.logicalType ?? '');
}

function typeOfName(name: string, namespace: string, named: Map<string, AvroType>): AvroType {
  if (PRIMITIVES.has(name)) return new AvroType(AVRO[name as keyof typeof AVRO]);
  const known = named.get(fullName(name, namespace)) ?? named.get(name);
  if (known === undefined) throw new Error(`the type ${JSON.stringify(name)} is not defined`);
  return known;
}

function parseNamed(
  schema: { readonly [key: string]: unknown },
  type: 'record' | 'error' | 'enum' | 'fixed',
  around: string,
  named: Map<string, AvroType>,
): AvroType {
  const name = fullName(String(schema.name), String(schema.namespace ?? around));
  const text = (value: unknown) => Buffer.from(JSON.stringify(String(value)));
  const make = (made: AvroType) => {
    named.set(name, made);
    return made;
  };
  if (type === 'fixed') {
    const { size } = schema;
    if (!Number.isSafeInteger(size) || (size as number) < 0) throw new Error(`${name} has no size`);
    return make(new AvroType(AVRO.fixed, [], [], [], size as number, scaleOf(schema)));
  }
  if (type === 'enum') return make(new AvroType(AVRO.enum, [], [], listOf(schema, 'symbols', name).map(text)));
  const fields = listOf(schema, 'fields', name) as { readonly name: string; readonly type: Json }[];
  const names = fields.map((field) => String(field.name));
  const literals = names.map((field, index) =>
    Buffer.concat([Buffer.from(index === 0 ? '{' : ','), text(field), COLON]),
  );
  const record = make(new AvroType(AVRO.record, [], names, literals));
  // A record may have itself inside.
  const namespace = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  for (const field of fields) record.children.push(parseType(field.type, namespace, named));
  return record;
}

const COLON = Buffer.from(':');

function listOf(schema: { readonly [key: string]: unknown }, key: string, name: string): unknown[] {
  const list = schema[key];
  if (!Array.isArray(list)) throw new Error(`${name} has no ${key}`);
  return list;
}

function fullName(name: string, namespace: string): string {
  return namespace === '' || name.includes('.') ? name : `${namespace}.${name}`;
}

/** A logical type that is not valid is ignored, as Avro's specification has it. */
function scaleOf({ logicalType, scale = 0 }: { readonly [key: string]: unknown }): number {
  const isValid = Number.isSafeInteger(scale) && (scale as number) >= 0 && (scale as number) <= MAX_SCALE;
  return logicalType === 'decimal' && isValid ? (scale as number) : -1;
}
