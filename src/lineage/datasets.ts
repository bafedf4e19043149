/** The topic and the table as datasets: their columns, and which column is made of which field. */
import { type FieldPath, pathText } from '../schema/field-path.js';
import { maskName } from '../schema/mask.js';
import { roleColumn, type SpecColumn, type TableColumn, type TableSpec, tableColumns } from '../schema/spec.js';
import type { FacetContent } from './facets.js';

/** What identifies a dataset: https://openlineage.io/docs/spec/naming */
export interface DatasetId {
  readonly namespace: string;
  readonly name: string;
}

/** What the events say of a place that rows are written to. */
export interface OutputPlace extends DatasetId {
  readonly datasetType: 'TABLE' | 'FILE';
  /** Of a lake: its catalog, and the name of the table there. */
  readonly catalog?: FacetContent;
  readonly symlink?: DatasetId;
  /** Whether what was written there is counted in bytes of its own. */
  readonly hasBytes: boolean;
}

/** A field as an event names it: `customer.id`, of the message's key `$key.id`. */
export function fieldName({ of, names }: FieldPath): string {
  return (of === 'key' ? ['$key', ...names] : names).join('.');
}

/** The fields that the spec reads, each with the kind of its column. */
export function topicSchema({ columns }: TableSpec): FacetContent {
  const kinds = new Map(columns.flatMap(({ paths, kind }) => paths.map((path) => [fieldName(path), kind] as const)));
  return { fields: [...kinds].map(([name, type], index) => ({ name, type, ordinal_position: index + 1 })) };
}

/** @param typeName what the table's system calls the type of a column */
export function tableSchema(spec: TableSpec, typeName: (column: TableColumn) => string): FacetContent {
  const fields = tableColumns(spec).map((column, index) => ({
    ...{ name: column.name, type: typeName(column), ordinal_position: index + 1 },
  }));
  return { fields };
}

interface InputField extends DatasetId {
  readonly field: string;
  readonly transformations: readonly Transformation[];
}

interface Transformation {
  readonly type: 'DIRECT' | 'INDIRECT';
  readonly subtype: 'IDENTITY' | 'TRANSFORMATION' | 'FILTER';
  readonly description: string;
  readonly masking: boolean;
}

/** Columns that Sluice makes of that of a role. */
const MADE_OF_ROLES = {
  is_high_value: ['amount', 'whether the amount is above HIGH_VALUE_THRESHOLD'],
  is_late: ['event_time', 'whether it is more than LATE_AFTER_MS before the Kafka timestamp'],
  change_seq: ['change_id', 'the cluster time in a resume token'],
} as const;

/** @param topic the dataset that the fields are of */
export function columnLineage(spec: TableSpec, topic: DatasetId): FacetContent {
  const fields: Record<string, { inputFields: InputField[] }> = {};
  const inputs = ({ paths }: SpecColumn, transformation: Transformation) => ({
    inputFields: paths.map((path) => ({ ...topic, field: fieldName(path), transformations: [transformation] })),
  });
  for (const column of spec.columns) {
    fields[column.name] = inputs(column, transformationOf(column));
    if (column.raw !== undefined) fields[column.raw] = inputs(column, rawTransformation(column));
  }
  for (const [name, [role, description]] of Object.entries(MADE_OF_ROLES)) {
    const column = roleColumn(spec, role);
    if (column !== undefined) fields[name] = inputs(column, direct('TRANSFORMATION', description));
  }
  return { fields, dataset: filters(spec).flatMap(([column, why]) => inputs(column, filter(why)).inputFields) };
}

function transformationOf({ kind, paths, operations, mask }: SpecColumn): Transformation {
  const first = paths.length === 1 ? '' : `, the first of ${paths.map(pathText).join(', ')} that a message has`;
  if (operations !== undefined) return direct('TRANSFORMATION', `words of the topic become those of the table${first}`);
  if (mask !== undefined) {
    return { ...direct('TRANSFORMATION', `masked: ${maskName(mask)}${first}`), masking: true };
  }
  const isSame = kind === 'text' || kind === 'json';
  return direct(isSame ? 'IDENTITY' : 'TRANSFORMATION', `read as ${kind}${first}`);
}

function rawTransformation(column: SpecColumn): Transformation {
  return column.mask === undefined ? direct('IDENTITY', 'the value as it came') : transformationOf(column);
}

/** What decides whether a message is a row. */
function filters(spec: TableSpec): [SpecColumn, string][] {
  const changeId = roleColumn(spec, 'change_id');
  const required = spec.columns.filter((column) => column.required && column !== changeId);
  return [
    ...(changeId === undefined ? [] : [[changeId, 'a change id that is there already is not a row again'] as const]),
    ...required.map((column) => [column, 'a message without it is quarantined'] as const),
  ].map(([column, why]) => [column, why]);
}

function direct(subtype: 'IDENTITY' | 'TRANSFORMATION', description: string): Transformation {
  return { type: 'DIRECT', subtype, description, masking: false };
}

function filter(description: string): Transformation {
  return { type: 'INDIRECT', subtype: 'FILTER', description, masking: false };
}
