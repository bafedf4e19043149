/** Masks: what is kept in place of a value that nobody is to read. */
import * as z from 'zod';
import { copiesLeft, hidesCopies, maskedFields } from './copies.js';
import { type FieldPath, isWithin, overlap, pathText } from './field-path.js';
import type { Kind, Role, SpecColumn, TableSpec } from './spec.js';

/** Starts of which a masked time is one. */
export const PERIODS = ['hour', 'day', 'month', 'year'] as const;
export type Period = (typeof PERIODS)[number];

/**
 * `hmac`: the first 128 bits of the HMAC-SHA-256 of the text in hexadecimal digits, the same for equal texts. `redact`:
 * three stars. `partial`: three stars and the last characters, if the text has at least twice as many. `drop`: null.
 * `truncate`: the start of the period that a time is in, or the multiple that a number has reached.
 */
export type Mask =
  | 'hmac'
  | 'redact'
  | 'drop'
  | { readonly partial: { readonly keep: number } }
  | { readonly truncate: { readonly to: Period | number } };

/** A mask of a field that is no column: it is in `extra`, or inside of a column of kind `json`. */
export interface PathMask {
  readonly path: FieldPath;
  readonly mask: Mask;
}

const MAX_KEPT = 64;
const MAX_MULTIPLE = 1e12;

export const maskSchema = z.union(
  [
    z.enum(['hmac', 'redact', 'drop']),
    z.strictObject({ partial: z.strictObject({ keep: z.int().min(1).max(MAX_KEPT) }) }),
    z.strictObject({ truncate: z.strictObject({ to: z.union([z.enum(PERIODS), z.int().min(1).max(MAX_MULTIPLE)]) }) }),
  ],
  {
    error:
      'must be "hmac", "redact", "drop", {"partial": {"keep": 4}}, or {"truncate": {"to": "month"}}: to hour, day, ' +
      'month or year, or to multiples of a whole number',
  },
);

/** Its name in a spec. */
export function maskName(mask: Mask): 'hmac' | 'redact' | 'drop' | 'partial' | 'truncate' {
  if (typeof mask === 'string') return mask;
  return 'partial' in mask ? 'partial' : 'truncate';
}

/** Whether anything of the spec is masked: then what cannot be read is encrypted. */
export function hasMasks({ columns, masks, masksInside }: TableSpec): boolean {
  return masks.length > 0 || columns.some(({ mask }) => mask !== undefined) || masksInside !== undefined;
}

/**
 * The fields that a spec masks and a later one keeps as they are without a word: in `extra`, or inside of a column.
 * That a column is of the field itself, and has no mask, is a word.
 */
export function unmaskedBy(before: TableSpec, later: TableSpec): FieldPath[] {
  const maskedPaths = (spec: TableSpec) => maskedFields(spec).map(({ path }) => path);
  const isCovered = (path: FieldPath) =>
    maskedPaths(later).some((outer) => isWithin(path, outer)) ||
    later.ignore.some((outer) => isWithin(path, outer) && hidesCopies(outer, path, later));
  const columns = later.columns.flatMap(({ paths }) => paths);
  const isSame = (one: FieldPath, other: FieldPath) => isWithin(one, other) && isWithin(other, one);
  return [...maskedPaths(before), ...copiesLeft(before, later)].filter(
    (path) => !isCovered(path) && !columns.some((other) => isSame(path, other)),
  );
}

const MASKS_OF_KINDS: Readonly<Record<'text' | 'json' | 'number' | 'time' | 'bool', readonly string[]>> = {
  text: ['hmac', 'redact', 'partial', 'drop'],
  json: ['redact', 'drop'],
  number: ['truncate', 'drop'],
  time: ['truncate', 'drop'],
  bool: ['drop'],
};

function groupOf(kind: Kind): keyof typeof MASKS_OF_KINDS {
  if (kind === 'text' || kind === 'json' || kind === 'bool') return kind;
  if (kind === 'amount' || kind === 'int64') return 'number';
  return kind === 'timestamp' || kind === 'date' ? 'time' : 'bool';
}

/** What the masks of a spec are not allowed to be. */
export function maskProblems(spec: TableSpec): string[] {
  return [...spec.columns.flatMap(columnProblems), ...spec.masks.flatMap((mask, at) => pathProblems(spec, mask, at))];
}

function columnProblems(column: SpecColumn): string[] {
  const { name, kind, mask, role, required } = column;
  if (mask === undefined) return [];
  const how = maskName(mask);
  const possible = MASKS_OF_KINDS[groupOf(kind)];
  if (!possible.includes(how))
    return [`column ${name}: kind ${kind} can have the masks ${possible.join(', ')}: not ${how}`];
  if (role !== undefined && !isMaskedRole(role, how)) {
    return [
      `column ${name}: role ${role} needs its values: ${role === 'key' ? 'its mask can be hmac' : 'it has no mask'}`,
    ];
  }
  if (how === 'drop' && required) return [`column ${name}: what is dropped cannot be required`];
  return typeof mask === 'object' && 'truncate' in mask ? truncateProblems(column, mask.truncate.to) : [];
}

function isMaskedRole(role: Role, how: string): boolean {
  return role === 'key' ? how === 'hmac' : role === 'amount';
}

function truncateProblems({ name, kind }: SpecColumn, to: Period | number): string[] {
  if (groupOf(kind) === 'number') {
    return typeof to === 'number'
      ? []
      : [`column ${name}: a number is truncated to a multiple, such as 1000, not to ${to}`];
  }
  if (typeof to === 'number') return [`column ${name}: a time is truncated to ${PERIODS.join(', ')}, not to ${to}`];
  const isTooShort = kind === 'date' && (to === 'hour' || to === 'day');
  return isTooShort ? [`column ${name}: a date is truncated to month or year, not to ${to}`] : [];
}

function pathProblems({ columns, masks, ignore }: TableSpec, { path, mask }: PathMask, at: number): string[] {
  const name = `masks ${pathText(path)}`;
  if (maskName(mask) === 'truncate') return [`${name}: only a column can be truncated`];
  if (path.names.length === 0) return [`${name}: must name a field of the key`];
  if (masks.some((other, index) => index < at && overlap(path, other.path))) {
    return [`${name}: is masked by another one already, or has it inside of it`];
  }
  if (ignore.some((outer) => isWithin(path, outer))) return [`${name}: is ignored already: leave it out`];
  for (const column of columns) {
    for (const other of column.paths) {
      if (isWithin(other, path)) return [`${name}: column ${column.name} is read from it: give the column a mask`];
      if (!isWithin(path, other)) continue;
      if (column.mask !== undefined) return [`${name}: column ${column.name} around it has a mask already`];
      if (column.kind !== 'json') return [`${name}: column ${column.name} around it is not of kind json`];
    }
  }
  return [];
}
