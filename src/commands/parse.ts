/** `sluice parse`: the kernel on files or stdin, a line of JSON per message, to try a table spec without Kafka. */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { openKernel } from '../kernel/kernel-file.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';
import type { TableSpec } from '../schema/spec.js';
import type { CommandContext } from './context.js';
import { MessageReader, type ReadChunk, readerOptions } from './message-reader.js';
import { rowsOf } from './message-rows.js';
import { DELIMITERS, type Delimiter, type Message, MessageSplitter, TOO_LARGE } from './message-splitter.js';
import { ParseStats } from './parse-stats.js';
import { variablesHelp } from './variables-help.js';

export interface ParseOptions {
  readonly spec: TableSpec;
  /** For a spec with the mask `hmac`. */
  readonly maskKey?: Uint8Array | undefined;
  /** Decimal text. */
  readonly highValueThreshold: string;
  readonly delimiter: Delimiter;
  /** Takes whole lines; the next ones come when it has resolved. */
  readonly write: (lines: string) => Promise<void>;
  /** Takes the numbers; then no line is written for a message. */
  readonly stats?: ParseStats;
}

type ParseFlags = Partial<Record<'delimiter' | 'spec' | 'threshold', string>> & { stats?: boolean };

export function addParseCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('parse')
    .description('read messages from files or stdin as the kernel does; prints a line of JSON for each')
    .addHelpText(
      'after',
      variablesHelp(SECTIONS.schema, SECTIONS.worker.pick({ highValueThreshold: true }), SECTIONS.log),
    )
    .argument('[files...]', 'files of messages; default: stdin')
    .option('--delimiter <name>', `what ends a message: ${Object.keys(DELIMITERS).join(', ')}`, 'newline')
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else the built-in orders spec')
    .option('--threshold <amount>', 'amounts above are of high value; default: HIGH_VALUE_THRESHOLD')
    .option(
      '--stats',
      'instead of messages: how many of each status, GB/s of the kernel alone, share of rows on the fast path',
    )
    .action(async (files: string[], { stats, ...texts }: ParseFlags) => {
      const { delimiter, spec, threshold } = texts;
      if (!isDelimiter(delimiter)) {
        throw new SluiceError('SLUICE_CONFIG', `--delimiter must be newline or nul, not ${delimiter}`);
      }
      const { config } = environment({ TABLE_SPEC: spec, HIGH_VALUE_THRESHOLD: threshold });
      const { highValueThreshold } = config.worker;
      const write = (lines: string) => stdout.write(lines);
      const totals = stats ? new ParseStats() : undefined;
      const { maskKey } = config;
      const options = { spec: config.spec, maskKey, highValueThreshold, delimiter, write, stats: totals };
      for (const input of files.length > 0 ? files.map(fileBytes) : [process.stdin]) await parse(input, options);
      if (totals !== undefined) await write(totals.text());
    });
}

function isDelimiter(text: string | undefined): text is Delimiter {
  return text !== undefined && Object.hasOwn(DELIMITERS, text);
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 1 << 20 });
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** Reads all messages of the input; in memory are one chunk, or the one message that is larger. */
export async function parse(input: AsyncIterable<Uint8Array>, options: ParseOptions): Promise<void> {
  const { maskKey } = options;
  const reader = new MessageReader(openKernel(options.spec, { ...readerOptions(options.highValueThreshold), maskKey }));
  const splitter = new MessageSplitter(options.delimiter);
  const take = async (message: Message) => {
    for (const read of reader.take(message)) await report(read, options);
  };
  for await (const bytes of input) {
    for (const message of splitter.push(bytes)) await take(message);
  }
  const rest = splitter.end();
  if (rest !== undefined) await take(rest);
  for (const read of reader.flush()) await report(read, options);
}

/** Counts what was read, or writes a line for each message. */
async function report(read: ReadChunk | typeof TOO_LARGE, { spec, stats, write }: ParseOptions): Promise<void> {
  if (read === TOO_LARGE) {
    if (stats !== undefined) stats.addTooLarge();
    else await write('{"status":"too_large"}\n');
    return;
  }
  const { chunk, output, milliseconds } = read;
  if (stats !== undefined) stats.add(output, chunk.valueBytes, milliseconds);
  else await write(`${linesOf(spec, chunk.rows, output).join('\n')}\n`);
}

function linesOf(spec: TableSpec, messages: number, { recordBatches, rejects }: KernelOutput): string[] {
  const rejected = new Map(rejects.map((reject) => [reject.row, reject]));
  const rows = recordBatches.flatMap((batch) => rowsOf(spec, batch));
  let next = 0;
  return Array.from({ length: messages }, (_, index) => {
    const reject = rejected.get(index);
    if (reject === undefined) return JSON.stringify({ status: 'ok', row: rows[next++] });
    const { status, position, column } = reject;
    return JSON.stringify({ status, column, position: position === -1 ? undefined : position });
  });
}
