/** How a table spec differs from the one that a data directory has: what a start would do, and what it would refuse. */
import { pathText } from './field-path.js';
import { roleColumn, type SpecColumn, specJson, type TableColumn, type TableSpec, tableColumns } from './spec.js';

/** What a data directory has. */
export interface SpecInUse {
  /** That of the last start. */
  readonly spec: TableSpec;
  /** The columns of its table, those of earlier specs too, with their types. */
  readonly types: ReadonlyMap<string, string>;
  /** The columns that have had a bit of `issues`. */
  readonly withBits: ReadonlySet<string>;
}

export interface SpecChanges {
  /** New to the spec; a column of the table that an earlier spec had can be among them. */
  readonly added: readonly SpecColumn[];
  /** In words. */
  readonly changed: readonly string[];
  /** Why a start refuses the spec, in words; empty if it takes it. */
  readonly refused: readonly string[];
}

/** Bits of `issues`, and columns that a directory has over its life. */
const MAX_COLUMNS = 64;

/** @param typeName what the table's system calls the type of a column */
export function specChanges(
  { spec: known, types, withBits }: SpecInUse,
  spec: TableSpec,
  typeName: (column: TableColumn) => string,
): SpecChanges {
  const before = new Map(known.columns.map((column) => [column.name, column]));
  const names = new Set(spec.columns.map(({ name }) => name));
  const left = known.columns.filter(({ name }) => !names.has(name));
  return {
    added: spec.columns.filter(({ name }) => !before.has(name)),
    changed: [
      ...left.map(({ name }) => `column ${name} is not in the spec: it stays, and later rows have NULL`),
      ...spec.columns.flatMap((column) => columnChanges(before.get(column.name), column)),
      ...restChanges(known, spec),
    ],
    refused: [
      ...identityProblem(known, spec),
      ...spec.columns.flatMap(({ name, kind }) => kindProblem(name, before.get(name)?.kind, kind)),
      ...tableColumns(spec).flatMap((column) =>
        // Told by its kind above.
        before.has(column.name) && before.get(column.name)!.kind !== kindOf(spec, column.name)
          ? []
          : kindProblem(column.name, types.get(column.name), typeName(column)),
      ),
      ...spec.columns.flatMap((column) => maskProblem(before.get(column.name), column)),
      ...bitProblem(withBits, spec),
    ],
  };
}

function kindOf({ columns }: TableSpec, name: string): string | undefined {
  return columns.find((column) => column.name === name)?.kind;
}

function kindProblem(name: string, before: string | undefined, after: string): string[] {
  if (before === undefined || before === after) return [];
  return [`column ${name} is ${before}, the spec makes it ${after}: give the new kind a new name`];
}

function maskProblem(before: SpecColumn | undefined, { name, mask }: SpecColumn): string[] {
  const [was, is] = [before?.mask, mask].map((one) =>
    one === undefined ? 'no mask' : `the mask ${JSON.stringify(one)}`,
  );
  if (before === undefined || was === is) return [];
  return [`column ${name} has ${was}, the spec gives it ${is}: give what is masked otherwise a new name`];
}

function identityProblem(known: TableSpec, spec: TableSpec): string[] {
  const identity = (of: TableSpec) => {
    const changeId = roleColumn(of, 'change_id');
    return `table ${of.table} ${changeId ? `with the change id ${changeId.name}` : 'without a change id'}`;
  };
  if (identity(known) === identity(spec)) return [];
  return [`it has the ${identity(known)}, the spec the ${identity(spec)}: they stay for the life of the directory`];
}

function bitProblem(withBits: ReadonlySet<string>, spec: TableSpec): string[] {
  const added = spec.columns.filter(({ name }) => !withBits.has(name)).length;
  if (withBits.size + added <= MAX_COLUMNS) return [];
  return [`it has had ${withBits.size} columns, the spec adds ${added}: ${MAX_COLUMNS} are all that there can be`];
}

/** But for its kind. */
function columnChanges(before: SpecColumn | undefined, column: SpecColumn): string[] {
  if (before === undefined) return [];
  const paths = (of: SpecColumn) => of.paths.map(pathText).join(', ');
  const choices = ({ paths: _, kind: __, mask: ___, ...others }: SpecColumn) => JSON.stringify(others);
  const isMoved = paths(before) !== paths(column);
  return [
    ...(isMoved ? [`column ${column.name} is read from ${paths(column)}, until now from ${paths(before)}`] : []),
    ...(choices(before) === choices(column)
      ? []
      : [`column ${column.name} is ${choices(column)}, until now ${choices(before)}`]),
  ];
}

/** What is not of a column. */
function restChanges(known: TableSpec, spec: TableSpec): string[] {
  const rest = (of: TableSpec) => {
    const { columns: _, table: __, ...others } = JSON.parse(specJson(of)) as Record<string, unknown>;
    return others;
  };
  const [before, after] = [rest(known), rest(spec)];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [old, now] = [before, after].map((of) => JSON.stringify(of[name] ?? 'none'));
    return old === now ? [] : [`${name} is ${now}, until now ${old}`];
  });
}
