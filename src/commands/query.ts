/** `sluice query`: a read-only query, through the running process or on the file. */
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { QueryRows } from '../query/read-only.js';
import { openSql } from '../query/sql-client.js';
import type { CommandContext } from './context.js';
import { variablesHelp } from './variables-help.js';

export const QUERY_FORMATS = ['table', 'csv', 'json', 'arrow'] as const;
export type QueryFormat = (typeof QUERY_FORMATS)[number];

export interface QueryOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly sql: string;
  readonly format: QueryFormat;
  /** Takes text, or bytes for format `arrow`; the next piece comes when it has resolved. */
  readonly write: (piece: string | Uint8Array) => Promise<void>;
}

export function addQueryCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('query')
    .description('run a read-only query, through the running process if there is one')
    .addHelpText('after', variablesHelp(SECTIONS.storage, SECTIONS.log))
    .argument('<sql>', 'one statement that reads')
    .option('--format <format>', `${QUERY_FORMATS.join(', ')}; default: table on a terminal, else csv`)
    .action(async (sql: string, { format }: { format?: string }) => {
      const chosen = format ?? (stdout.isTerminal ? 'table' : 'csv');
      if (!isFormat(chosen)) {
        throw new SluiceError('SLUICE_CONFIG', `--format must be one of ${QUERY_FORMATS.join(', ')}, not ${chosen}`);
      }
      const { dataDir } = environment().config;
      await query({ dataDir, sql, format: chosen, write: (piece) => stdout.write(piece) });
    });
}

function isFormat(text: string): text is QueryFormat {
  return (QUERY_FORMATS as readonly string[]).includes(text);
}

/**
 * Writes the result as it comes: in memory is one block of rows, however large it is and however slowly it is taken.
 * @throws SluiceError SLUICE_QUERY, or what `openSql` or `write` say; the query is given up then
 */
export async function query({ dataDir, sql, format, write }: QueryOptions): Promise<void> {
  const client = await openSql(dataDir);
  try {
    for await (const piece of FORMATS[format](await client.query(sql))) await write(piece);
  } finally {
    client.close();
  }
}

const FORMATS: Readonly<Record<QueryFormat, (result: QueryRows) => AsyncIterable<string | Uint8Array>>> = {
  table: tableText,
  csv: csvText,
  json: jsonText,
  async *arrow(result) {
    // Loaded when it is needed: Arrow's library takes a while.
    const { arrowStream } = await import('./arrow-rows.js');
    yield* arrowStream(result);
  },
};

async function* csvText({ columns, batches }: QueryRows): AsyncGenerator<string> {
  yield `${columns.map(csvCell).join(',')}\n`;
  for await (const rows of batches) yield rows.map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

async function* jsonText({ columns, batches }: QueryRows): AsyncGenerator<string> {
  for await (const rows of batches) yield rows.map((row) => `${JSON.stringify(asObject(columns, row))}\n`).join('');
}

/** A table is for eyes: what follows is counted, not shown. */
const TABLE_ROWS = 1000;
const CELL_WIDTH = 60;

async function* tableText({ columns, batches }: QueryRows): AsyncGenerator<string> {
  const kept: (readonly unknown[])[] = [];
  let count = 0;
  for await (const rows of batches) {
    count += rows.length;
    kept.push(...rows.slice(0, TABLE_ROWS - kept.length));
  }
  yield drawTable(columns, kept, count);
}

function asObject(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, index) => [column, row[index]]));
}

/** RFC 4180; null is an empty cell, an empty text a quoted one. */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function drawTable(columns: readonly string[], rows: readonly (readonly unknown[])[], count: number): string {
  const cells = [columns, ...rows].map((row) => row.map(tableCell));
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => [...row[index]].length)));
  const numeric = columns.map((_, index) => {
    const values = rows.map((row) => row[index]).filter((value) => value !== null);
    return values.length > 0 && values.every(isNumeric);
  });
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => pad(cell, widths[index], numeric[index]))
      .join('  ')
      .trimEnd();
  const [head, ...body] = cells.map(line);
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const more = count > rows.length ? `… and ${count - rows.length} more rows (of ${count})\n` : '';
  return `${[head, rule, ...body].join('\n')}\n${more}`;
}

function tableCell(value: unknown): string {
  if (value === null || value === undefined) return '∅';
  const text = (typeof value === 'object' ? JSON.stringify(value) : String(value)).replace(/\s+/g, ' ');
  const characters = [...text];
  return characters.length > CELL_WIDTH ? `${characters.slice(0, CELL_WIDTH - 1).join('')}…` : text;
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(width - [...text].length);
  return right ? space + text : text + space;
}
