/** What a run checks of each message, as assertions of OpenLineage on the topic. */
import type { BatchStats } from '../core/batch-stats.js';
import { roleColumn, type TableSpec } from '../schema/spec.js';
import { fieldName } from './datasets.js';

/** None of them stops a run: what fails is in the quarantine, in `issues`, or there already. */
const SEVERITY = 'warn';

const UNREADABLE = [
  'malformed',
  'not_object',
  'too_large',
  'kernel_trap',
  'not_framed',
  'unknown_schema',
] as const satisfies readonly (keyof BatchStats)[];

const MEETS = 'rows meet the expectations that quarantine; messages of others are quarantined';

/** @param stats of the window */
export function assertionsOf(spec: TableSpec, stats: BatchStats): object[] {
  const unreadable = UNREADABLE.reduce((sum, status) => sum + stats[status], 0);
  const required = spec.columns.filter((column) => column.required).map(({ name }) => name);
  const changeId = roleColumn(spec, 'change_id');
  const isQuarantining = spec.expectations.some(({ action }) => action === 'quarantine');
  return [
    none('readable', unreadable, 'messages are JSON objects of an acceptable size; others are quarantined'),
    none('not_null', stats.missing_required, `messages have ${required.join(', ')}; others are quarantined`),
    none('conversion', stats.rowsWithIssues, 'columns take the values in full; others are in issues and in extra'),
    ...(isQuarantining ? [none('expectations', stats.expectation, MEETS)] : []),
    ...(changeId === undefined
      ? []
      : [none('unique', stats.duplicate, 'change ids are new; others are left out', fieldName(changeId.paths[0]))]),
  ];
}

/** That there are none of these messages. */
function none(assertion: string, messages: number, description: string, column?: string): object {
  return {
    ...{ assertion, success: messages === 0, severity: SEVERITY, name: `sluice.${assertion}`, description },
    ...{ expected: '0', actual: String(messages) },
    ...(column !== undefined && { column }),
  };
}
