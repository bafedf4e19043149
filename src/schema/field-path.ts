/** Paths of fields: as people write them in a spec, what is wrong with them, and how they lie to each other. */
import * as z from 'zod';

/** A field of a message. */
export interface FieldPath {
  /** Whether it is in the message's value or in its key. */
  readonly of: 'value' | 'key';
  /** Names from the top-level object inwards: `['customer', 'id']`. Of a key it may be empty: all of the key. */
  readonly names: readonly string[];
}

/** As a spec has it: a list of names, for a field of the key in an object. */
export type PathJson = readonly string[] | { readonly key: readonly string[] };

export const MAX_PATH_DEPTH = 8;

/** What is wrong with a path in one text, and how to say what may have been meant; undefined if it is one. */
function textPathProblem(path: string): string | undefined {
  const names = path.split('.');
  if (path === '') return 'must not be empty: leave it out if the field has the name of the column';
  if (names[0] === '$') return `must begin with the name of a field, without "$": ${JSON.stringify(path.slice(2))}`;
  if (names.includes('')) return `${JSON.stringify(path)} has no name before, between or after its dots`;
  const element = names.findIndex((name) => /[[\]]/.test(name));
  if (element === -1) return undefined;
  const array = [...names.slice(0, element), names[element].replace(/\[.*$/, '')].join('.');
  return (
    `${JSON.stringify(path)} cannot name an element of an array: take all of ${JSON.stringify(array)} in a column of ` +
    `kind json, or, if a field has this name, write the path as a list: ${JSON.stringify(names)}`
  );
}

const MEANT =
  'must be a text such as "customer.id", a list of names such as ["customer", "id"], or for a field of the ' +
  'message key {"key": "id"}';

/** Names in one text or in a list; what is wrong if they are none. */
function namesOf(path: unknown, minNames: number): readonly string[] | { problem: string } {
  if (typeof path !== 'string') return z.array(z.string()).min(minNames).safeParse(path).data ?? { problem: MEANT };
  const problem = textPathProblem(path);
  return problem === undefined ? path.split('.') : { problem };
}

/** What editors know of a path. */
const PATH_FORMS = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }, { type: 'object' }] };

export const pathSchema = z
  .unknown()
  .meta(PATH_FORMS)
  .transform((path, context): FieldPath => {
    const ofKey = z.strictObject({ key: z.unknown() }).safeParse(path).data;
    const names = ofKey === undefined ? namesOf(path, 1) : namesOf(ofKey.key, 0);
    if (!('problem' in names)) return { of: ofKey === undefined ? 'value' : 'key', names };
    context.addIssue(names.problem);
    return z.NEVER;
  });

/** The path in the one form that equal specs share. */
export function pathJson({ of, names }: FieldPath): PathJson {
  return of === 'key' ? { key: names } : names;
}

/** As text for people. */
export function pathText(path: FieldPath): string {
  return JSON.stringify(pathJson(path));
}

/** Whether `inner` is `outer`, or a field inside of it. */
export function isWithin(inner: FieldPath, outer: FieldPath): boolean {
  return inner.of === outer.of && outer.names.every((name, depth) => name === inner.names[depth]);
}

export function overlap(one: FieldPath, other: FieldPath): boolean {
  return isWithin(one, other) || isWithin(other, one);
}
