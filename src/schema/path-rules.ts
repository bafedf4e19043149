/** What is wrong with the paths of a spec, each by itself and all of them together. */
import { type FieldPath, isWithin, MAX_PATH_DEPTH, overlap, pathText } from './field-path.js';
import type { TableSpec } from './spec.js';

/** Strings of JSON in strings of JSON that the kernel reads. */
export const MAX_EMBEDDED_DEPTH = 4;
/** Fields that columns are read from: the columns, and further alternatives. */
const MAX_FIELDS = 64;

export function pathProblems(spec: TableSpec): string[] {
  return [
    ...depthProblems(spec),
    ...columnProblems(spec),
    ...wholeKeyProblems(spec),
    ...ignoreProblems(spec),
    ...embeddedProblems(spec),
    ...nullProblems(spec),
  ];
}

/** Who has each path of the spec, as text for people. */
function allPaths({ columns, embedded, ignore, masks, copies = [] }: TableSpec): { owner: string; path: FieldPath }[] {
  return [
    ...columns.flatMap(({ name, paths }) => paths.map((path) => ({ owner: `column ${name}`, path }))),
    ...embedded.map((path) => ({ owner: `embedded ${pathText(path)}`, path })),
    ...ignore.map((path) => ({ owner: `ignore ${pathText(path)}`, path })),
    ...masks.map(({ path }) => ({ owner: `masks ${pathText(path)}`, path })),
    ...copies.flatMap(({ path, of = path }) =>
      [path, of].map((one) => ({ owner: `copies ${pathText(path)}`, path: one })),
    ),
  ];
}

function depthProblems(spec: TableSpec): string[] {
  return allPaths(spec)
    .filter(({ path }) => path.names.length > MAX_PATH_DEPTH)
    .map(({ owner }) => `${owner}: a path has at most ${MAX_PATH_DEPTH} keys`);
}

function columnProblems({ columns }: TableSpec): string[] {
  const problems: string[] = [];
  const fields = columns.flatMap(({ name, paths }) => paths.map((path) => ({ name, path })));
  for (const [index, { name, path }] of fields.entries()) {
    for (const other of fields.slice(0, index)) {
      if (!overlap(path, other.path)) continue;
      const both = other.name === name ? `column ${name}` : `columns ${other.name} and ${name}`;
      const paths = `${pathText(other.path)}, ${pathText(path)}`;
      problems.push(`${both}: one path must not be, or lie inside, the other (${paths})`);
    }
  }
  if (fields.length > MAX_FIELDS) {
    problems.push(`columns: have ${fields.length} paths, alternatives included: at most ${MAX_FIELDS} are possible`);
  }
  return problems;
}

/** A text that is no JSON cannot be kept in `extra`: so the column must take any. */
function wholeKeyProblems({ columns }: TableSpec): string[] {
  return columns
    .filter(({ kind, operations }) => kind === 'text' && operations !== undefined)
    .filter(({ paths }) => paths.some(({ of, names }) => of === 'key' && names.length === 0))
    .map(({ name }) => {
      const why = 'which need not be JSON: a word that they do not have could not be kept in extra';
      return `column ${name}: operations cannot be of all of the key, ${why}. Name a field of the key`;
    });
}

/** The column that a path is, or lies inside of. */
function columnAround(path: FieldPath, { columns }: TableSpec): string | undefined {
  return columns.find(({ paths }) => paths.some((other) => isWithin(path, other)))?.name;
}

function ignoreProblems(spec: TableSpec): string[] {
  return spec.ignore.flatMap((path, index) => {
    const column = columnAround(path, spec);
    if (column !== undefined) return [`ignore ${pathText(path)}: is read by column ${column}`];
    const other = spec.ignore.find((other, at) => at !== index && isWithin(path, other));
    return other === undefined ? [] : [`ignore ${pathText(path)}: ${pathText(other)} says it already`];
  });
}

function embeddedProblems(spec: TableSpec): string[] {
  return spec.embedded.flatMap((path, index) => {
    const name = `embedded ${pathText(path)}`;
    const column = columnAround(path, spec);
    if (path.names.length === 0) return [`${name}: must name a field of the key`];
    if (column !== undefined) return [`${name}: is read as it is by column ${column}`];
    if (spec.embedded.some((other, at) => at < index && isWithin(path, other) && isWithin(other, path)))
      return [`${name}: is given twice`];
    const ignored = spec.ignore.find((outer) => isWithin(path, outer));
    const isRead = spec.columns.some(({ paths }) => paths.some((inner) => isWithin(inner, path)));
    if (ignored !== undefined && !isRead)
      return [`${name}: is ignored by ${pathText(ignored)}, and no column is read from it: leave it out`];
    return spec.embedded.filter((outer) => isWithin(path, outer)).length > MAX_EMBEDDED_DEPTH
      ? [`${name}: at most ${MAX_EMBEDDED_DEPTH} strings of JSON may lie inside each other`]
      : [];
  });
}

function nullProblems({ deletes, columns, embedded }: TableSpec): string[] {
  const path = deletes?.nullAt;
  if (path === undefined) return [];
  const isAround = (inner: FieldPath) => isWithin(inner, path) && !isWithin(path, inner);
  const isObject = columns.some(({ paths }) => paths.some(isAround)) && !embedded.some((of) => overlap(of, path));
  if (path.of === 'value' && isObject) return [];
  return [`deletes: tombstone ${pathText(path)} must be an object of the value that columns are read from`];
}
