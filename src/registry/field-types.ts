/** What is known of a field from a schema, of whatever kind. */

/** What a field can be, as the kernel sees it; `any` if the schema does not tell. */
export type FieldType = 'null' | 'boolean' | 'number' | 'string' | 'binary' | 'object' | 'array' | 'any';

/** What a field of a schema can be; undefined if it has no such field. @param path keys from the top inwards */
export type TypesOf = (path: readonly string[]) => ReadonlySet<FieldType> | undefined;

/** What one of several can be; undefined if none has the field. */
export function unionOf(all: readonly (ReadonlySet<FieldType> | undefined)[]): ReadonlySet<FieldType> | undefined {
  const found = all.filter((types) => types !== undefined);
  return found.length === 0 ? undefined : new Set(found.flatMap((types) => [...types]));
}
