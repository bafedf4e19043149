/** Where messages have fields a second time: what masks the fields masks their copies, too. */
import * as z from 'zod';
import { type FieldPath, isWithin, pathSchema, pathText } from './field-path.js';
import type { PathMask } from './mask.js';
import type { TableSpec } from './spec.js';

export interface FieldCopies {
  /** The object of the value that has the copies. */
  readonly path: FieldPath;
  /** The object of the value that they are copies of; undefined: all of the value. */
  readonly of: FieldPath | undefined;
  /** Whether names there are paths: `customer.email`, `items.0.note`. */
  readonly dotted: boolean;
}

const MAX_COPIES = 16;

export const copiesSchema = z
  .array(z.strictObject({ path: pathSchema, of: pathSchema.optional(), dotted: z.boolean().default(false) }))
  .max(MAX_COPIES, `must be at most ${MAX_COPIES} places`)
  .optional()
  .transform((copies) => copies?.map(({ path, of, dotted }): FieldCopies => ({ path, of, dotted })));

const inValue = (...names: string[]): FieldPath => ({ of: 'value', names });

/** Of a spec that does not say: where messages of `sluice capture` have them (src/capture/envelope.ts). */
const DEFAULT_COPIES: readonly FieldCopies[] = [
  // The fields of the document that have names of the message's own. First: a mask of one of them is of that name.
  { path: inValue('update', 'updatedFields'), of: inValue('document'), dotted: true },
  { path: inValue('update', 'updatedFields'), of: undefined, dotted: true },
  { path: inValue('document'), of: undefined, dotted: false },
];

export function copiesOf({ copies }: TableSpec): readonly FieldCopies[] {
  return copies ?? DEFAULT_COPIES;
}

/** The masks of copies, of fields with a mask and of those that are ignored; of one path the first counts. */
export function masksOfCopies(spec: TableSpec): PathMask[] {
  const ignored = spec.ignore
    .filter((outer) => !spec.columns.some(({ paths }) => paths.some((path) => isWithin(path, outer))))
    .map((path): PathMask => ({ path, mask: 'drop' }));
  return copiesOf(spec).flatMap((copies) => copiesIn(copies, [...maskedFields(spec), ...ignored]));
}

/** What a spec masks, of columns and of fields that are none. */
export function maskedFields({ columns, masks }: TableSpec): PathMask[] {
  const ofColumns = columns.flatMap(({ paths, mask }) =>
    mask === undefined ? [] : paths.map((path) => ({ path, mask })),
  );
  return [...masks, ...ofColumns];
}

function copiesIn({ path: { names }, of }: FieldCopies, masked: readonly PathMask[]): PathMask[] {
  const origin = of ?? inValue();
  return masked
    .filter(({ path }) => isWithin(path, origin))
    .map(({ path, mask }) => ({ path: inValue(...names, ...path.names.slice(origin.names.length)), mask }));
}

/** What the copies that a spec names are not allowed to be. */
export function copyProblems(spec: TableSpec): string[] {
  return (spec.copies ?? []).flatMap((copies) => {
    const name = `copies ${pathText(copies.path)}`;
    if (copies.path.of === 'key' || copies.of?.of === 'key')
      return [`${name}: must be of the value, as what it has copies of`];
    const masked = copiesIn(copies, maskedFields(spec)).map(({ path }) => path);
    return spec.columns
      .filter(({ mask }) => mask === undefined)
      .flatMap((column) => column.paths.flatMap((path) => columnProblem(column, path, masked, copies.dotted)))
      .map((problem) => `${name}: ${problem}`);
  });
}

function columnProblem(
  { name, kind }: TableSpec['columns'][number],
  path: FieldPath,
  masked: readonly FieldPath[],
  dotted: boolean,
): string[] {
  const split = (one: FieldPath) => (dotted ? { ...one, names: one.names.flatMap((each) => each.split('.')) } : one);
  const column = split(path);
  for (const copy of masked.map(split)) {
    if (isWithin(column, copy)) return [`column ${name} is of the copy of a masked field: give it a mask`];
    if (isWithin(copy, column) && kind !== 'json') {
      return [`column ${name}, around the copy of a masked field, is not of kind json`];
    }
  }
  return [];
}

/** Where copies were by a spec, and are not by a later one. */
export function copiesLeft(before: TableSpec, later: TableSpec): FieldPath[] {
  const kept = copiesOf(later).map((copies) => JSON.stringify(copies));
  return (before.copies ?? []).filter((copies) => !kept.includes(JSON.stringify(copies))).map(({ path }) => path);
}
