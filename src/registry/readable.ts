/** What a table spec cannot read of a schema: known before the first message of it is quarantined. */
import { type FieldPath, isWithin } from '../schema/field-path.js';
import type { Kind, SpecColumn, TableSpec } from '../schema/spec.js';
import { AVRO, type AvroType, parseAvroSchema } from './avro-schema.js';
import type { RegisteredSchema } from './client.js';
import { type FieldType, type TypesOf, unionOf } from './field-types.js';
import { jsonSchemaTypes } from './json-schema.js';

/** A column that a schema does not suit. */
export interface Unreadable {
  readonly column: string;
  /** Its path, with dots; of alternatives all. */
  readonly field: string;
  /** In words, after "column …: ". */
  readonly problem: string;
}

/** Types that no value of can be taken by a kind; text and json take all. */
const REFUSED: Readonly<Record<Kind, readonly FieldType[]>> = {
  text: [],
  json: [],
  amount: ['boolean', 'binary', 'object', 'array'],
  timestamp: ['boolean', 'binary', 'object', 'array'],
  date: ['boolean', 'binary', 'object', 'array'],
  int64: ['boolean', 'binary', 'object', 'array'],
  decimal: ['boolean', 'binary', 'object', 'array'],
  double: ['boolean', 'binary', 'object', 'array'],
  bool: ['number', 'string', 'binary', 'object', 'array'],
  uuid: ['boolean', 'number', 'binary', 'object', 'array'],
  binary: ['boolean', 'number', 'object', 'array'],
};

/**
 * The columns that cannot be read from messages whose values, or keys, are of a schema.
 * @throws Error if it is no schema of its type
 */
export function unreadableColumns(
  { columns, embedded }: TableSpec,
  schema: RegisteredSchema,
  part: FieldPath['of'],
): Unreadable[] {
  const typesOf = typesOfSchema(schema);
  // What is in the other part, or in a string that holds JSON, the schema does not tell.
  const typesAt = (path: FieldPath) =>
    path.of !== part || embedded.some((outer) => isWithin(path, outer)) ? UNTOLD : typesOf(path.names);
  return columns.flatMap((column) => {
    const problem = problemOf(column, unionOf(column.paths.map(typesAt)));
    return problem === undefined ? [] : [{ column: column.name, field: column.paths.map(dotted).join(', '), problem }];
  });
}

const UNTOLD: ReadonlySet<FieldType> = new Set(['any']);

const dotted = ({ names }: FieldPath) => names.join('.');

function problemOf(
  { kind, required, encoding }: SpecColumn,
  types: ReadonlySet<FieldType> | undefined,
): string | undefined {
  if (types === undefined) {
    return required ? 'the schema has no such field, which is required: all its messages are quarantined' : undefined;
  }
  const values = [...types].filter((type) => type !== 'null');
  if (values.length === 0 && required) return 'the field is always null, and required: its messages are quarantined';
  // Bytes come as base64.
  const isTaken = (type: FieldType) =>
    type === 'any' || !REFUSED[kind].includes(type) || (type === 'binary' && encoding === 'base64');
  if (values.length === 0 || values.some(isTaken)) return undefined;
  // Extended JSON of MongoDB is an object.
  if (values.every((type) => type === 'object') && kind !== 'bool') return undefined;
  return `kind ${kind} cannot take ${values.join(' or ')}: the column is NULL, and extra has the value`;
}

function typesOfSchema({ type, text, references }: RegisteredSchema): TypesOf {
  if (type === 'AVRO') {
    const schema = parseAvroSchema(text, references);
    return (path) => avroTypes(schema, path);
  }
  return jsonSchemaTypes(JSON.parse(text));
}

const AVRO_TYPES: Readonly<Record<number, FieldType>> = {
  [AVRO.null]: 'null',
  [AVRO.boolean]: 'boolean',
  [AVRO.int]: 'number',
  [AVRO.long]: 'number',
  [AVRO.float]: 'number',
  [AVRO.double]: 'number',
  [AVRO.date]: 'string',
  [AVRO.string]: 'string',
  [AVRO.enum]: 'string',
  [AVRO.array]: 'array',
  [AVRO.map]: 'object',
  [AVRO.record]: 'object',
};

function avroTypes(type: AvroType, path: readonly string[]): ReadonlySet<FieldType> | undefined {
  if (type.kind === AVRO.union) return unionOf(type.children.map((branch) => avroTypes(branch, path)));
  if (path.length > 0) {
    if (type.kind === AVRO.map) return unionOf([new Set(['any']), avroTypes(type.children[0], path.slice(1))]);
    const field = type.kind === AVRO.record ? type.names.indexOf(path[0]) : -1;
    return field === -1 ? undefined : avroTypes(type.children[field], path.slice(1));
  }
  // A decimal becomes text.
  if (type.kind === AVRO.bytes || type.kind === AVRO.fixed) return new Set([type.scale < 0 ? 'binary' : 'string']);
  return new Set([AVRO_TYPES[type.kind]]);
}
