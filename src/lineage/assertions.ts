/** What a run checks of each message, as assertions of OpenLineage on the topic. */
import type { BatchStats } from '../core/batch-stats.js';
import type { Action } from '../core/flow.js';
import { type Expectation, testOf } from '../schema/expectations.js';
import { roleColumn, type TableSpec } from '../schema/spec.js';
import { fieldName } from './datasets.js';

const UNREADABLE = [
  'malformed',
  'not_object',
  'too_large',
  'kernel_trap',
  'not_framed',
  'unknown_schema',
] as const satisfies readonly (keyof BatchStats)[];

/**
 * @param stats of the window
 * @param failed how often expectations of the spec were not met in it, by their names
 */
export function assertionsOf(spec: TableSpec, stats: BatchStats, failed: ReadonlyMap<string, number>): object[] {
  const unreadable = UNREADABLE.reduce((sum, status) => sum + stats[status], 0);
  const required = spec.columns.filter((column) => column.required).map(({ name }) => name);
  const changeId = roleColumn(spec, 'change_id');
  return [
    none('readable', unreadable, 'messages are JSON objects of an acceptable size; others are quarantined'),
    none('not_null', stats.missing_required, `messages have ${required.join(', ')}; others are quarantined`),
    none('conversion', stats.rowsWithIssues, 'columns take the values in full; others are in issues and in extra'),
    ...(changeId === undefined
      ? []
      : [none('unique', stats.duplicate, 'change ids are new; others are left out', fieldName(changeId.paths[0]))]),
    ...spec.expectations.map((expectation) => expected(spec, expectation, failed.get(expectation.name) ?? 0)),
  ];
}

const ACTIONS = {
  warn: 'rows are committed as they are',
  quarantine: 'messages that fail it are quarantined',
  stop: 'the run ends before it commits a batch that fails it',
} as const satisfies Record<Action, string>;

function expected({ columns }: TableSpec, expectation: Expectation, failed: number): object {
  const { name, action } = expectation;
  const column = columns.find((column) => column.name === expectation.column);
  const test = testOf(expectation);
  return {
    ...{ assertion: test, success: failed === 0, severity: action === 'stop' ? 'error' : 'warn' },
    ...{ name: `expectation.${name}`, description: `expectation ${name} of the table spec: ${ACTIONS[action]}` },
    ...{ expected: '0', actual: String(failed) },
    ...(column !== undefined && { column: fieldName(column.paths[0]) }),
  };
}

/** That there are none of these messages. What fails is in the quarantine, in `issues`, or there already. */
function none(assertion: string, messages: number, description: string, column?: string): object {
  return {
    ...{ assertion, success: messages === 0, severity: 'warn', name: `sluice.${assertion}`, description },
    ...{ expected: '0', actual: String(messages) },
    ...(column !== undefined && { column }),
  };
}
