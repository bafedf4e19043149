/** Results as text, piece by piece. */
import { type QueryRows, shownRows } from '../query/read-only.js';
import { drawTable } from './text-table.js';

export const TEXT_FORMATS = ['table', 'csv', 'json'] as const;
type TextFormat = (typeof TEXT_FORMATS)[number];

/** @param width of the terminal in characters, for a table; undefined if it has no end */
type Text = (result: QueryRows, width: number | undefined) => AsyncIterable<string>;

export const TEXTS: Readonly<Record<TextFormat, Text>> = { table: tableText, csv: csvText, json: jsonText };

async function* csvText(result: QueryRows): AsyncGenerator<string> {
  yield `${result.columns.map(csvCell).join(',')}\n`;
  for await (const rows of shownRows(result, { wideNumbers: false }))
    yield rows.map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

async function* jsonText(result: QueryRows): AsyncGenerator<string> {
  for await (const rows of shownRows(result, { wideNumbers: true }))
    yield rows.map((row) => `${JSON.stringify(asObject(result.columns, row))}\n`).join('');
}

/** A table is for eyes: what follows is counted, not shown. */
const TABLE_ROWS = 1000;

async function* tableText(result: QueryRows, width: number | undefined): AsyncGenerator<string> {
  const kept: (readonly unknown[])[] = [];
  let count = 0;
  for await (const rows of shownRows(result, { wideNumbers: false })) {
    count += rows.length;
    kept.push(...rows.slice(0, TABLE_ROWS - kept.length));
  }
  yield drawTable(result.columns, kept, count, width);
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
