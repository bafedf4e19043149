/** `sluice shell`: queries one after the other, with history and completion on a terminal. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { isQueryFailure } from '../core/errors.js';
import type { Output } from '../core/output.js';
import { identifier } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import type { CommandContext, StandardInput } from './context.js';
import { openConfigured } from './open-sql.js';
import { TEXTS } from './query-texts.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

const MAX_HISTORY_LINES = 1000;
const PROMPT = 'sluice> ';
const CONTINUED = '   ...> ';
const HELP = `A statement ends with ";" and may have several lines. Besides:
  .tables           the tables and views
  .schema [table]   the columns of a table, or of all
  .quit             ends, as ctrl-D does; ctrl-C ends a query
`;
const TABLES = `SELECT table_schema AS schema, table_name AS "table", table_type AS type FROM information_schema.tables
  ORDER BY ALL`;
const COLUMNS = `SELECT table_schema AS schema, table_name AS "table", column_name AS "column", data_type AS type
  FROM information_schema.columns ORDER BY table_schema, table_name, ordinal_position`;
const WORDS = `SELECT unnest([table_name, column_name]) AS word FROM information_schema.columns
  UNION SELECT keyword_name FROM duckdb_keywords() ORDER BY word`;

export interface ShellOptions {
  /** Opens what is asked, for one statement: a shell that waits holds no lock. */
  readonly open: () => Promise<SqlClient>;
  readonly input: StandardInput;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where statements are kept for the next shell. @throws if there is no such place */
  readonly historyFile: () => string;
}

export function addShellCommand(program: Command, context: CommandContext): void {
  program
    .command('shell')
    .description('ask read-only queries one after the other, with history and completion')
    .addHelpText('after', variablesHelp(SECTIONS.storage, ...LAKE_SECTIONS, SECTIONS.log))
    .action(async () => {
      const { config } = context.environment();
      const { stdout, stderr, historyFile, onFailure } = context;
      const input = context.stdin();
      const open = () => openConfigured(config);
      const failures = await shell({ open, input, stdout, stderr, historyFile });
      // Who types sees them.
      if (failures > 0 && input.isTTY !== true) onFailure();
    });
}

/**
 * Resolves when the input ends, or ctrl-C is pressed on an empty line, or again while a query ends.
 * @returns how many statements failed
 */
export async function shell({ open, input, stdout, stderr, historyFile }: ShellOptions): Promise<number> {
  const isTerminal = input.isTTY === true && stdout.isTerminal;
  const words = isTerminal ? await knownWords(open) : [];
  const lines = createInterface({
    input,
    ...(isTerminal && { output: stdout.terminalStream, history: readHistory(historyFile) }),
    terminal: isTerminal,
    historySize: MAX_HISTORY_LINES,
    completer: (line: string) => completions(words, line),
  });
  let statement = '';
  let failures = 0;
  let running: AbortController | undefined;
  const ended = new Promise<void>((resolve) => {
    lines.on('SIGINT', () => {
      if (running?.signal.aborted === false) {
        running.abort();
        return;
      }
      if (running !== undefined || (statement === '' && lines.line === '')) {
        resolve();
        lines.close();
        return;
      }
      statement = '';
      lines.write(null, { ctrl: true, name: 'u' });
      ask(lines, PROMPT);
    });
  });
  if (isTerminal) await stdout.write('Ends with .quit; .help says what else there is.\n');
  ask(lines, isTerminal ? PROMPT : '');
  for await (const line of lines) {
    if (isTerminal && line.trim() !== '') keep(historyFile, line);
    if (statement === '' && line.trim() === '.quit') break;
    statement = statement === '' ? line : `${statement}\n${line}`;
    // Only the first line can be whole without a semicolon.
    const canEnd = statement === line || line.includes(';');
    const { whole, rest } = canEnd ? split(statement) : { whole: [], rest: statement };
    statement = rest;
    for (const one of whole) {
      running = new AbortController();
      // A query that still runs when the shell is ended goes with the process.
      const isAnswered = await Promise.race([answer(one, { open, stdout, stderr }, running.signal), ended]);
      if (isAnswered === false) failures++;
      if (running.signal.aborted) break;
    }
    running = undefined;
    ask(lines, isTerminal ? (statement === '' ? PROMPT : CONTINUED) : '');
  }
  lines.close();
  if (statement.trim() !== '' && !(await answer(statement, { open, stdout, stderr }))) failures++;
  return failures;
}

/** Text, names and comments, which may have a semicolon in them and no end yet; what has none; and a semicolon. */
const PIECE = new RegExp(
  [
    /(?<!\w)e'(?:[^'\\]|\\.|'')*(?:'|$)/,
    /'(?:[^']|'')*(?:'|$)/,
    /"(?:[^"]|"")*(?:"|$)/,
    /\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/,
    /--[^\n]*/,
    /\/\*[\s\S]*?(?:\*\/|$)/,
    /[^'"$;/e-]+|[^;]|(;)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gi',
);
const COMMENT = /^(--|\/\*[\s\S]*\*\/$)/;

/** @returns the statements that have ended, and what comes after them: nothing if it is space and comments */
function split(text: string): { whole: string[]; rest: string } {
  if (text.startsWith('.')) return { whole: [text.trim()], rest: '' };
  const whole: string[] = [];
  let [rest, isEmpty] = ['', true];
  for (const [piece, , end] of text.matchAll(PIECE)) {
    rest += piece;
    isEmpty &&= end !== undefined || piece.trim() === '' || COMMENT.test(piece);
    if (end === undefined) continue;
    if (!isEmpty) whole.push(rest.trim());
    [rest, isEmpty] = ['', true];
  }
  return { whole, rest: isEmpty ? '' : rest };
}

function ask(lines: Interface, prompt: string): void {
  if (prompt === '') return;
  lines.setPrompt(prompt);
  lines.prompt();
}

type AnswerOptions = Pick<ShellOptions, 'open' | 'stdout' | 'stderr'>;

/**
 * @param signal ends the query, not the shell
 * @returns whether the statement did not fail
 */
async function answer(
  statement: string,
  { open, stdout, stderr }: AnswerOptions,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    const sql = statement.startsWith('.') ? dotCommand(statement) : statement;
    if (sql === undefined) {
      await stdout.write(HELP);
      return true;
    }
    const client = await open();
    try {
      signal?.throwIfAborted();
      const result = await client.query(sql, signal && { signal });
      for await (const piece of TEXTS.table(result, stdout.width)) await stdout.write(piece);
    } finally {
      client.close();
    }
    return true;
  } catch (thrown) {
    if (signal?.aborted) {
      await stderr.write('the query was ended\n');
      return true;
    }
    if (!isQueryFailure(thrown)) throw thrown;
    await stderr.write(`${thrown.code}: ${thrown.message}\n`);
    return false;
  }
}

/** What a command asks; undefined if it is none that is known, and .help. */
function dotCommand(line: string): string | undefined {
  const [name, ...words] = line.replace(/;$/, '').trim().split(/\s+/);
  if (name === '.tables') return TABLES;
  if (name !== '.schema') return undefined;
  return words.length === 0 ? COLUMNS : `DESCRIBE ${words[0].split('.').map(identifier).join('.')}`;
}

async function knownWords(open: ShellOptions['open']): Promise<string[]> {
  const client = await open();
  try {
    const rows = await allRows(client, WORDS);
    return rows.map(({ word }) => String(word));
  } finally {
    client.close();
  }
}

function completions(words: readonly string[], line: string): [string[], string] {
  const begun = /[\w$]*$/.exec(line)?.[0] ?? '';
  const fitting = words.filter((word) => word.toLowerCase().startsWith(begun.toLowerCase()));
  return [begun === '' ? [] : fitting, begun];
}

/** Newest first, as readline has it. */
function readHistory(file: () => string): string[] {
  try {
    return readFileSync(file(), 'utf8').split('\n').filter(Boolean).reverse().slice(0, MAX_HISTORY_LINES);
  } catch {
    return [];
  }
}

/** A history that cannot be written is no reason to end. */
function keep(file: () => string, line: string): void {
  try {
    const path = file();
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, `${line}\n`, { mode: 0o600 });
  } catch {}
}
