/** `sluice query`: a read-only query, through the running process or on the file. */
import { readFileSync } from 'node:fs';
import { text as textOf } from 'node:stream/consumers';
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { asSluiceError, SluiceError } from '../core/errors.js';
import type { QuerySettings } from '../query/read-only.js';
import type { SqlClient } from '../query/sql-client.js';
import type { CommandContext } from './context.js';
import { openAt, openConfigured } from './open-sql.js';
import { fileFormat, writeResultFile } from './query-file.js';
import { WatchedClient } from './query-progress.js';
import { TEXT_FORMATS, TEXTS } from './query-texts.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

export const QUERY_FORMATS = [...TEXT_FORMATS, 'arrow'] as const;
export type QueryFormat = (typeof QUERY_FORMATS)[number];

export interface QueryOptions extends QuerySettings {
  readonly sql: string;
  readonly format: QueryFormat;
  /** Of the terminal, for format `table`; undefined if it has no end. */
  readonly width?: number;
  /** Takes text, or bytes for format `arrow`; the next piece comes when it has resolved. */
  readonly write: (piece: string | Uint8Array) => Promise<void>;
}

interface Flags {
  readonly file?: string;
  readonly format?: string;
  readonly output?: string;
  readonly param: Readonly<Record<string, string>>;
  readonly timeZone: string;
  readonly at?: string;
}

export function addQueryCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('query')
    .description('run a read-only query, through the running process if there is one')
    .addHelpText('after', variablesHelp(SECTIONS.storage, ...LAKE_SECTIONS, SECTIONS.log))
    .argument('[sql]', 'one statement that reads; - or none takes it from stdin')
    .option('-f, --file <file>', 'takes the statement from a file')
    .option('--param <name=value>', 'the value of $name in the statement; may be repeated', addParameter, {})
    .option('--format <format>', `${QUERY_FORMATS.join(', ')}; default: table on a terminal, else csv`)
    .option('--output <file>', 'writes a file that is complete or not there: .parquet, .csv, .json or .arrow')
    .option('--time-zone <zone>', 'shows times with a zone in this one, such as America/New_York', 'UTC')
    .option('--at <when>', "a lake as it was: a snapshot's number or a time")
    // A statement may begin with a comment, which looks like an option.
    .allowUnknownOption()
    .allowExcessArguments()
    .action((_: string | undefined, flags: Flags) => run(command.args, flags, context));
}

async function run(args: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const { stdout } = context;
  const { output, timeZone, at, param } = flags;
  const chosen = queryFormat(flags.format, stdout.isTerminal);
  if (output !== undefined && flags.format !== undefined) {
    throw new SluiceError('SLUICE_CONFIG', '--output has the format of its ending: leave --format out');
  }
  const written = output === undefined ? undefined : { path: output, format: fileFormat(output) };
  const sql = await statement(args, flags.file, context);
  const { config } = context.environment();
  const opened = await (at === undefined ? openConfigured(config) : openAt(config, { at, timeZone }));
  const client = watched(opened, context);
  const settings = { timeZone, ...(Object.keys(param).length > 0 && { parameters: param }) };
  if (written === undefined) {
    const write = (piece: string | Uint8Array) => stdout.write(piece);
    await query(client, { sql, format: chosen, ...settings, width: stdout.width, write });
  } else {
    await writeResultFile(client, { sql, ...settings, ...written, beforeKilled: context.beforeKilled });
  }
}

function watched(client: SqlClient, { progress, beforeKilled }: CommandContext): SqlClient {
  if (!progress.isOnTerminal) return client;
  beforeKilled(() => progress.clear());
  return new WatchedClient(client, progress);
}

function addParameter(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value] = /^\$?(\w+)=([\s\S]*)$/.exec(text) ?? [];
  if (name === undefined) throw new SluiceError('SLUICE_CONFIG', `--param must be name=value, not ${text}`);
  return { ...before, [name]: value };
}

/** The one that is given in a file, as an argument or in stdin. */
async function statement(args: readonly string[], file: string | undefined, { stdin }: CommandContext) {
  const given = onlyStatement(args);
  if (file !== undefined) {
    if (given !== undefined) throw new SluiceError('SLUICE_CONFIG', 'give the statement or --file, not both');
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw asSluiceError(cause, 'SLUICE_CONFIG', `--file ${file} cannot be read`);
    }
  }
  if (given !== undefined && given !== '-') return given;
  const input = stdin();
  if (given === undefined && input.isTTY === true) {
    const message = 'no statement is given: put it in quotes, use --file, or "sluice shell" to type several';
    throw new SluiceError('SLUICE_CONFIG', message);
  }
  return textOf(input);
}

/** An option has no white space in its name; a comment in front of a statement has some after it. */
function onlyStatement(args: readonly string[]): string | undefined {
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
export async function query(client: SqlClient, options: QueryOptions): Promise<void> {
  const { sql, format, width, write, ...settings } = options;
  try {
    const pieces =
      format === 'arrow'
        ? (await client.arrow(sql, settings)).pieces
        : TEXTS[format](await client.query(sql, settings), width);
    for await (const piece of pieces) await write(piece);
  } finally {
    client.close();
  }
}
