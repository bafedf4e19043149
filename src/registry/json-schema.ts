/** What fields can be by a JSON Schema: as far as properties, types, references within it and unions tell. */
import { type FieldType, type TypesOf, unionOf } from './field-types.js';

type Schema = { readonly [key: string]: unknown } | boolean | undefined;

/** Schemas can refer to themselves. */
const MAX_DEPTH = 32;

/** Takes a JSON Schema that was parsed. */
export function jsonSchemaTypes(root: unknown): TypesOf {
  return (path) => typesAt(root as Schema, root as Schema, path, 0);
}

function typesAt(
  root: Schema,
  schema: Schema,
  path: readonly string[],
  depth: number,
): ReadonlySet<FieldType> | undefined {
  if (schema === false) return undefined;
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return ANY;
  const { $ref, properties, type } = schema;
  if (typeof $ref === 'string') return typesAt(root, resolved(root, $ref), path, depth + 1);
  const parts = [schema.oneOf, schema.anyOf, schema.allOf].flatMap((list) => (Array.isArray(list) ? list : []));
  const ofParts = unionOf(parts.map((part) => typesAt(root, part as Schema, path, depth + 1)));
  if (path.length === 0) return unionOf([type === undefined ? (ofParts ?? ANY) : typesOf(type)]);
  if (properties === undefined) return parts.length > 0 ? ofParts : type === undefined ? ANY : openTypes(schema);
  const field = (properties as { readonly [key: string]: Schema })[path[0]];
  const own = field === undefined ? undefined : typesAt(root, field, path.slice(1), depth + 1);
  return unionOf([own, ofParts]);
}

/** The schemas that a field can be of, but for null: those of unions one by one. */
export function jsonSchemasAt(root: unknown, path: readonly string[]): { readonly [key: string]: unknown }[] {
  return [...leavesAt(root as Schema, root as Schema, path, 0)];
}

function* leavesAt(
  root: Schema,
  schema: Schema,
  path: readonly string[],
  depth: number,
): Generator<{ readonly [key: string]: unknown }> {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return;
  const { $ref, properties, type } = schema;
  if (typeof $ref === 'string') yield* leavesAt(root, resolved(root, $ref), path, depth + 1);
  for (const list of [schema.oneOf, schema.anyOf, schema.allOf]) {
    if (!Array.isArray(list)) continue;
    for (const part of list) yield* leavesAt(root, part as Schema, path, depth + 1);
  }
  if (path.length === 0) {
    if (type !== undefined && type !== 'null') yield schema;
    return;
  }
  const field = (properties as { readonly [key: string]: Schema } | undefined)?.[path[0]];
  yield* leavesAt(root, field, path.slice(1), depth + 1);
}

const ANY: ReadonlySet<FieldType> = new Set<FieldType>(['any']);

/** An object without properties has any. */
function openTypes({ type, additionalProperties }: { readonly [key: string]: unknown }) {
  return typesOf(type).has('object') && additionalProperties !== false ? ANY : undefined;
}

function typesOf(type: unknown): ReadonlySet<FieldType> {
  const names = (Array.isArray(type) ? type : [type]) as string[];
  return new Set(names.map((name) => (name === 'integer' ? 'number' : (name as FieldType))));
}

/** `#/definitions/x`; undefined for what is not within the schema. */
function resolved(root: Schema, reference: string): Schema {
  if (!reference.startsWith('#')) return undefined;
  const keys = reference
    .slice(1)
    .split('/')
    .filter((key) => key !== '');
  return keys.reduce<Schema>((found, key) => {
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
    return typeof found === 'object' ? (found[name] as Schema) : undefined;
  }, root);
}
