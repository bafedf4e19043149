/** `sluice query`: a read-only query, through the running process or on the file. */
import { RecordBatchStreamWriter, Table, Utf8, type Vector, vectorFromArray } from 'apache-arrow';
import type { Command } from 'commander';
import { SluiceError } from '../errors.js';
import { openSql } from '../sql-client.js';

export const QUERY_FORMATS = ['table', 'csv', 'json', 'arrow'] as const;
export type QueryFormat = (typeof QUERY_FORMATS)[number];

export interface QueryOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly sql: string;
  readonly format: QueryFormat;
  /** Takes text, or bytes for format `arrow`. */
  readonly write: (output: string | Uint8Array) => void;
}

/** A table is for eyes: what follows is counted, not shown. */
const TABLE_ROWS = 1000;
const CELL_WIDTH = 60;

export function addQueryCommand(program: Command, config: () => { readonly dataDir: string }): void {
  program
    .command('query')
    .description('run a read-only query, through the running process if there is one')
    .argument('<sql>', 'one statement that reads')
    .option('--format <format>', `${QUERY_FORMATS.join(', ')}; default: table on a terminal, else csv`)
    .action(async (sql: string, { format }: { format?: string }) => {
      const chosen = format ?? (process.stdout.isTTY ? 'table' : 'csv');
      if (!isFormat(chosen)) {
        throw new SluiceError('SLUICE_CONFIG', `--format must be one of ${QUERY_FORMATS.join(', ')}, not ${chosen}`);
      }
      const { dataDir } = config();
      await query({ dataDir, sql, format: chosen, write: (output) => process.stdout.write(output) });
    });
}

function isFormat(text: string): text is QueryFormat {
  return (QUERY_FORMATS as readonly string[]).includes(text);
}

/** @throws SluiceError SLUICE_QUERY, or what `openSql` says */
export async function query({ dataDir, sql, format, write }: QueryOptions): Promise<void> {
  const client = await openSql(dataDir);
  try {
    const { columns, batches } = await client.query(sql);
    if (format === 'csv') write(`${columns.map(csvCell).join(',')}\n`);
    const kept: (readonly unknown[])[] = [];
    let count = 0;
    for await (const rows of batches) {
      count += rows.length;
      if (format === 'csv') write(rows.map((row) => `${row.map(csvCell).join(',')}\n`).join(''));
      else if (format === 'json') write(rows.map((row) => `${JSON.stringify(asObject(columns, row))}\n`).join(''));
      else if (format === 'arrow') kept.push(...rows);
      else kept.push(...rows.slice(0, Math.max(0, TABLE_ROWS - kept.length)));
    }
    if (format === 'table') write(drawTable(columns, kept, count));
    if (format === 'arrow') write(arrowStream(columns, kept));
  } finally {
    client.close();
  }
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

/** An Arrow IPC stream: booleans and doubles as such, everything else as text. */
function arrowStream(columns: readonly string[], rows: readonly (readonly unknown[])[]): Uint8Array {
  const vectors: Record<string, Vector> = {};
  for (const [index, column] of columns.entries()) {
    const values = rows.map((row) => row[index]);
    const plain = values.every((value) => value === null || typeof value === 'number' || typeof value === 'boolean');
    const text = values.map((value) => (value === null || typeof value === 'string' ? value : JSON.stringify(value)));
    vectors[column] = plain && rows.length > 0 ? vectorFromArray(values) : vectorFromArray(text, new Utf8());
  }
  return RecordBatchStreamWriter.writeAll(new Table(vectors)).toUint8Array(true);
}
