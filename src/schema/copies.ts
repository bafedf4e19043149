/** Where messages have fields a second time: what masks the fields masks their copies, too. */
import * as z from 'zod';
import { type FieldPath, isWithin, overlap, pathSchema, pathText } from './field-path.js';
import type { Mask, PathMask } from './mask.js';
import type { SpecColumn, TableSpec } from './spec.js';

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

/** Beside what a spec says, if not that there are none: messages of `sluice capture` (src/capture/envelope.ts). */
const DEFAULT_COPIES: readonly FieldCopies[] = [
  // The fields of the document that have names of the message's own. First: a mask of one of them is of that name.
  { path: inValue('update', 'updatedFields'), of: inValue('document'), dotted: true },
  { path: inValue('update', 'updatedFields'), of: undefined, dotted: true },
  { path: inValue('document'), of: undefined, dotted: false },
];

export function copiesOf({ copies }: TableSpec): readonly FieldCopies[] {
  return copies?.length === 0 ? [] : [...(copies ?? []), ...DEFAULT_COPIES];
}

/** The masks of copies, of fields with a mask and of those that are ignored; of one path the first counts. */
export function masksOfCopies(spec: TableSpec): PathMask[] {
  return copiesOf(spec).flatMap((copies) => [
    ...copiesIn(copies, maskedFields(spec)),
    ...copiesIn(
      copies,
      spec.ignore.filter((path) => !isContainer(path, copies)).map((path) => ({ path, mask: 'drop' })),
    ),
  ]);
}

/** The masks inside of a column, by names from its value inwards; of the same names the first counts. */
export function masksInside({ paths }: SpecColumn, spec: TableSpec): { names: readonly string[]; mask: Mask }[] {
  const masks = [...spec.masks, ...masksOfCopies(spec)];
  return paths.flatMap((around) =>
    masks
      .filter(({ path }) => isWithin(path, around) && path.names.length > around.names.length)
      .map(({ path, mask }) => ({ names: path.names.slice(around.names.length), mask })),
  );
}

/** Whether a field to ignore is only where messages of `sluice capture` put what would clash, not what is copied. */
function isContainer(path: FieldPath, copies: FieldCopies): boolean {
  return DEFAULT_COPIES.includes(copies) && pathText(path) === pathText(copies.of ?? inValue());
}

/** Whether nothing of a field's copies is kept by a spec that ignores `outer`, which is the field or around it. */
export function hidesCopies(outer: FieldPath, field: FieldPath, spec: TableSpec): boolean {
  const paths = spec.columns.flatMap((column) => (column.mask === undefined ? column.paths : []));
  return copiesOf(spec).every((copies) => {
    if (isContainer(outer, copies)) return false;
    const copyOf = (path: FieldPath) => copiesIn(copies, [{ path, mask: 'drop' }])[0]?.path;
    const [around, copy] = [copyOf(outer), copyOf(field)];
    if (around === undefined || copy === undefined) return true;
    return !paths.some((path) => isWithin(path, around) && isWithin(copy, path));
  });
}

/** What a spec masks, of columns and of fields that are none. */
export function maskedFields({ columns, masks }: TableSpec): PathMask[] {
  const ofColumns = columns.flatMap(({ paths, mask }) =>
    mask === undefined ? [] : paths.map((path) => ({ path, mask })),
  );
  return [...masks, ...ofColumns];
}

/** What masks more than what is copied masks all of the copies. */
function copiesIn({ path: { names }, of }: FieldCopies, masked: readonly PathMask[]): PathMask[] {
  const origin = of ?? inValue();
  return masked
    .filter(({ path }) => overlap(path, origin))
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
      .flatMap((column) => column.paths.flatMap((path) => columnProblem(column, path, masked, copies)))
      .map((problem) => `${name}: ${problem}`);
  });
}

function columnProblem(
  { name, kind }: TableSpec['columns'][number],
  path: FieldPath,
  masked: readonly FieldPath[],
  copies: FieldCopies,
): string[] {
  for (const copy of masked) {
    if (isWithin(path, copy)) return [`column ${name} is of the copy of a masked field: give it a mask`];
    if (isWithin(copy, path) && kind !== 'json') {
      return [`column ${name}, around the copy of a masked field, is not of kind json`];
    }
    if (copies.dotted && mayMeet(path, copy, copies.path)) {
      return [`column ${name} is of the copy of a masked field or around it, by a dotted name: give it a mask`];
    }
  }
  return [];
}

/** Whether a dotted name of a column may lead to a copy, or to what is around it: numbers may be elements of arrays. */
function mayMeet(column: FieldPath, copy: FieldPath, place: FieldPath): boolean {
  const inside = column.names.slice(place.names.length);
  if (!isWithin(column, place) || !inside.some((name) => name.includes('.'))) return false;
  const split = (names: readonly string[]) => names.flatMap((name) => name.split('.'));
  const meets = ([one, ...ones]: string[], others: string[]): boolean =>
    one === undefined ||
    others.length === 0 ||
    (one === others[0] && meets(ones, others.slice(1))) ||
    (/^\d+$/.test(one) && meets(ones, others));
  return meets(split(inside), split(copy.names.slice(place.names.length)));
}

/** Where copies were by a spec, and are not by a later one. */
export function copiesLeft(before: TableSpec, later: TableSpec): FieldPath[] {
  const kept = copiesOf(later).map((copies) => JSON.stringify(copies));
  return (before.copies ?? []).filter((copies) => !kept.includes(JSON.stringify(copies))).map(({ path }) => path);
}
