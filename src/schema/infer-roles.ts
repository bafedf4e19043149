/** Roles that columns have by their names, where the form of the messages gives them to none. */
import { MAPPED_OPERATIONS, type MappedOperation } from '../core/operations.js';
import type { SampleField } from './sample-fields.js';
import type { Role } from './spec.js';

/** A column as a spec has it. */
export interface ColumnJson {
  readonly name: string;
  readonly path?: PathJson;
  readonly paths?: readonly PathJson[];
  readonly kind: string;
  readonly role?: Role;
  readonly comment?: string;
  readonly operations?: Readonly<Record<string, MappedOperation>>;
  readonly [field: string]: unknown;
}
type PathJson = string | readonly string[] | { readonly key: string | readonly string[] };

const OPERATION_NAMES = ['operation', 'op', 'operation_type', 'op_type', 'change_type', 'event_type', 'type'];
const EVENT_TIME_NAMES = ['event_time', 'updated_at', 'modified_at', 'timestamp', 'ts_ms', 'ts', 'created_at'];
/** Words for operations: all of a kind are mapped, as the sample may have no delete. */
const LETTERS = { c: 'insert', i: 'insert', u: 'update', d: 'delete', r: 'snapshot' } as const;
const WORDS = {
  ...Object.fromEntries(MAPPED_OPERATIONS.map((operation) => [operation, operation])),
  create: 'insert',
  read: 'snapshot',
} as const;

/** The map of a spec for these words; undefined if one of them is no operation. */
function operationsOf(words: readonly string[]): Readonly<Record<string, MappedOperation>> | undefined {
  for (const known of [LETTERS, WORDS]) {
    const entries = Object.entries<MappedOperation>(known);
    for (const spelled of [entries, entries.map(([word, operation]) => [word.toUpperCase(), operation] as const)]) {
      const operations = Object.fromEntries(spelled);
      if (words.length > 0 && words.every((word) => Object.hasOwn(operations, word))) return operations;
    }
  }
  return undefined;
}

/** @param document whose words tell what may be an operation */
export function guessRoles(columns: readonly ColumnJson[], document: SampleField): ColumnJson[] {
  const result = [...columns];
  const give = (role: Role, index: number, more: object = {}) => {
    if (index === -1 || result.some((column) => column.role === role)) return;
    const comment = [result[index].comment, `The role is guessed.`].filter(Boolean).join(' ');
    const { comment: _, ...column } = result[index];
    result[index] = { ...column, role, ...more, comment };
  };
  const byName = (names: readonly string[], kind: string) =>
    names.map((name) => columns.findIndex((column) => column.name === name && column.kind === kind && !column.role));
  give('event_time', byName(EVENT_TIME_NAMES, 'timestamp').find((index) => index !== -1) ?? -1);
  const amounts = columns.flatMap(({ kind }, index) => (kind === 'amount' ? [index] : []));
  give(
    'amount',
    amounts.length === 1 ? amounts[0] : columns.findIndex(({ name, kind }) => name === 'amount' && kind === 'amount'),
  );
  for (const index of byName(OPERATION_NAMES, 'text')) {
    const words = index === -1 ? [] : [...(document.fields.get(columns[index].name)?.words ?? [])];
    const operations = operationsOf(words);
    if (operations !== undefined) give('operation', index, { operations });
  }
  return result;
}
