/** `sluice query`: a read-only query, through the running process or on the file. */
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type QueryRows, shownRows } from '../query/read-only.js';
import type { SqlClient } from '../query/sql-client.js';
import type { CommandContext } from './context.js';
import { LAKE_SECTIONS, openAt, openConfigured } from './open-sql.js';
import { drawTable } from './text-table.js';
import { variablesHelp } from './variables-help.js';

export const QUERY_FORMATS = ['table', 'csv', 'json', 'arrow'] as const;
export type QueryFormat = (typeof QUERY_FORMATS)[number];

export interface QueryOptions {
  readonly sql: string;
  readonly format: QueryFormat;
  /** Times with a zone are shown in it; default: UTC. */
  readonly timeZone?: string;
  /** Of the terminal, for format `table`; undefined if it has no end. */
  readonly width?: number;
  /** Takes text, or bytes for format `arrow`; the next piece comes when it has resolved. */
  readonly write: (piece: string | Uint8Array) => Promise<void>;
}

export function addQueryCommand(program: Command, { environment, stdout }: CommandContext): void {
  const command = program
    .command('query')
    .description('run a read-only query, through the running process if there is one')
    .addHelpText('after', variablesHelp(SECTIONS.storage, ...LAKE_SECTIONS, SECTIONS.log))
    .argument('<sql>', 'one statement that reads')
    .option('--format <format>', `${QUERY_FORMATS.join(', ')}; default: table on a terminal, else csv`)
    .option('--time-zone <zone>', 'shows times with a zone in this one, such as America/New_York', 'UTC')
    .option('--at <when>', "a lake as it was: a snapshot's number or a time")
    // A statement may begin with a comment, which looks like an option.
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_: string, { format, timeZone, at }: { format?: string; timeZone: string; at?: string }) => {
      const chosen = queryFormat(format, stdout.isTerminal);
      const sql = onlyStatement(command.args);
      const { config } = environment();
      const { width } = stdout;
      const client = await (at === undefined ? openConfigured(config) : openAt(config, { at, timeZone }));
      await query(client, { sql, format: chosen, timeZone, width, write: (piece) => stdout.write(piece) });
    });
}

/** An option has no white space in its name; a comment in front of a statement has some after it. */
function onlyStatement(args: readonly string[]): string {
  const option = args.find((arg) => /^-\S+$/.test(arg));
  if (option !== undefined) {
    throw new SluiceError('SLUICE_CONFIG', `unknown option ${option}: see "sluice query --help"`);
  }
  if (args.length > 1) {
    throw new SluiceError('SLUICE_CONFIG', `one statement is expected, not ${args.length} arguments: put it in quotes`);
  }
  return args[0];
}

/** @throws SluiceError SLUICE_CONFIG if there is no such format */
export function queryFormat(format: string | undefined, isTerminal: boolean): QueryFormat {
  const chosen = format ?? (isTerminal ? 'table' : 'csv');
  if (isFormat(chosen)) return chosen;
  throw new SluiceError('SLUICE_CONFIG', `--format must be one of ${QUERY_FORMATS.join(', ')}, not ${chosen}`);
}

function isFormat(text: string): text is QueryFormat {
  return (QUERY_FORMATS as readonly string[]).includes(text);
}

/**
 * Writes the result as it comes: in memory is one block of rows, however large it is and however slowly it is taken.
 * @param client closed in the end
 * @throws SluiceError SLUICE_QUERY, or what `write` says; the query is given up then
 */
export async function query(
  client: SqlClient,
  { sql, format, timeZone = 'UTC', width, write }: QueryOptions,
): Promise<void> {
  try {
    for await (const piece of FORMATS[format](await client.query(sql, { timeZone }), width)) await write(piece);
  } finally {
    client.close();
  }
}

type Format = (result: QueryRows, width: number | undefined) => AsyncIterable<string | Uint8Array>;

const FORMATS: Readonly<Record<QueryFormat, Format>> = {
  table: tableText,
  csv: csvText,
  json: jsonText,
  async *arrow(result) {
    // Loaded when it is needed: Arrow's library takes a while.
    const { arrowStream } = await import('./arrow-rows.js');
    yield* arrowStream(result);
  },
};

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
