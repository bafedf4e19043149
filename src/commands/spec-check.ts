/** `sluice spec --check`: a table spec in words and types, and what becomes of a sample of messages. */
import type { Config } from '../config.js';
import { arrowSchema } from '../schema/arrow.js';
import { pathText } from '../schema/field-path.js';
import { maskName } from '../schema/mask.js';
import { type TableSpec, tableColumns } from '../schema/spec.js';
import { duckdbType } from '../sinks/duckdb/columns.js';
import type { SampleMessage } from './message-sample.js';
import { readSample } from './spec-sample.js';
import { drawTable } from './text-table.js';

/**
 * @param messages undefined: the spec alone
 * @param width of the terminal
 */
export function specCheck(
  { spec, maskKey }: Pick<Config, 'spec' | 'maskKey'>,
  messages: readonly SampleMessage[] | undefined,
  width: number | undefined,
): { readonly areAllRows: boolean; readonly text: string } {
  if (messages === undefined) return { areAllRows: true, text: columnTable(spec, width) };
  const { rows, tombstones, refusals, columns } = readSample(spec, messages, maskKey);
  const taken = spec.columns.map(({ name }, index) => [name, columns[index].values, columns[index].issues]);
  const counts = [`${messages.length} messages: ${rows} rows`, ...(tombstones > 0 ? [`${tombstones} tombstones`] : [])];
  const lines = [...refusals].map(([reason, { messages: count, first, position, column }]) => {
    const byte = position < 0 ? '' : ` at byte ${position}`;
    const where = column === undefined ? byte : reason === 'missing_required' ? `: no ${column}` : `: ${column}`;
    return `${count} would be quarantined as ${reason}; the first is message ${first + 1}${where}`;
  });
  return {
    areAllRows: refusals.size === 0,
    text: [
      columnTable(spec, width),
      drawTable(['column', 'values', 'issues'], taken, taken.length, width),
      `${[counts.join(', '), ...lines].join('\n')}\n`,
    ].join('\n'),
  };
}

function columnTable(spec: TableSpec, width: number | undefined): string {
  const { fields } = arrowSchema(spec);
  const rows = tableColumns(spec).map((tableColumn, index) => {
    const { name, source } = tableColumn;
    const column = source === undefined ? undefined : spec.columns[source];
    const isRaw = column !== undefined && column.raw === name;
    const from = column?.paths.map(pathText).join(', ') ?? 'Sluice';
    const mask = column?.mask === undefined ? undefined : `masked: ${maskName(column.mask)}`;
    const notes = [
      isRaw ? 'as it came' : column?.kind,
      column?.role,
      column?.required === true ? 'required' : undefined,
      mask,
    ];
    return [
      name,
      from,
      notes.filter((note) => note !== undefined).join(', '),
      duckdbType(tableColumn),
      `${fields[index].type}`,
    ];
  });
  return drawTable(['column', 'from', 'kind', 'DuckDB', 'Arrow'], rows, rows.length, width);
}
