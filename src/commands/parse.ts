/** `sluice parse`: the kernel on files or stdin, a line of JSON per message, to try a table spec without Kafka. */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { bit, type Chunk } from '../core/chunk.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/kernel-file.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';
import type { SchemaLookup } from '../registry/schema-lookup.js';
import type { RegistrySettings } from '../registry/settings.js';
import type { TableSpec } from '../schema/spec.js';
import type { CommandContext } from './context.js';
import { LengthSplitter } from './length-splitter.js';
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
  readonly delimiter: Delimiter | typeof LENGTH;
  /** Of messages behind the frame of a registry; undefined: they are JSON. */
  readonly framed?: FramedReading | undefined;
  /** Takes whole lines; the next ones come when it has resolved. */
  readonly write: (lines: string) => Promise<void>;
  /** Takes the numbers; then no line is written for a message. */
  readonly stats?: ParseStats;
}

/** How messages behind a frame are read. */
interface FramedReading {
  readonly schemas: SchemaLookup;
  /** The kernel, with the schemas that are known. */
  kernel(kernel: Kernel): Pick<Kernel, 'read'>;
}

/** What `--delimiter` takes besides: a length before each message. */
const LENGTH = 'length';

type ParseFlags = Partial<Record<'delimiter' | 'spec' | 'threshold', string>> & { stats?: boolean };

export function addParseCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('parse')
    .description('read messages from files or stdin as the kernel does; prints a line of JSON for each')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.schema,
        SECTIONS.worker.pick({ highValueThreshold: true }),
        SECTIONS.registry.omit({ keyFormat: true, unknownWaitMs: true }),
        SECTIONS.log,
      ),
    )
    .argument('[files...]', 'files of messages; default: stdin')
    .option(
      '--delimiter <name>',
      `what ends a message: ${Object.keys(DELIMITERS).join(', ')}; or length: kcat -f '%R%s'`,
      'newline',
    )
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else the built-in orders spec')
    .option('--threshold <amount>', 'amounts above are of high value; default: HIGH_VALUE_THRESHOLD')
    .option(
      '--stats',
      'instead of messages: how many of each status, GB/s of the kernel alone, share of rows on the fast path',
    )
    .action(async (files: string[], { stats, ...texts }: ParseFlags) => {
      const { delimiter, threshold } = texts;
      if (!isDelimiter(delimiter)) {
        throw new SluiceError('SLUICE_CONFIG', `--delimiter must be newline, nul or length, not ${delimiter}`);
      }
      const { config, log } = environment({
        TABLE_SPEC: ['--spec', texts.spec],
        HIGH_VALUE_THRESHOLD: ['--threshold', threshold],
      });
      const { highValueThreshold } = config.worker;
      const write = (lines: string) => stdout.write(lines);
      const totals = stats ? new ParseStats() : undefined;
      const { spec, maskKey } = config;
      const framed = await framedReading(config.registry, spec, delimiter, log);
      const options = { spec, maskKey, highValueThreshold, delimiter, framed, write, stats: totals };
      try {
        for (const input of files.length > 0 ? files.map(fileBytes) : [process.stdin]) await parse(input, options);
      } finally {
        framed?.schemas.close();
      }
      if (totals !== undefined) await write(totals.text());
    });
}

function isDelimiter(text: string | undefined): text is ParseOptions['delimiter'] {
  return text !== undefined && (text === LENGTH || Object.hasOwn(DELIMITERS, text));
}

/**
 * Loads what reads messages behind the frame of a registry, if they are so.
 * @throws SluiceError SLUICE_CONFIG if they may have the delimiter within them
 */
async function framedReading(
  registry: RegistrySettings,
  spec: TableSpec,
  delimiter: ParseOptions['delimiter'],
  log: Logger,
): Promise<FramedReading | undefined> {
  const { valueFormat } = registry;
  if (valueFormat === 'json') return undefined;
  if (delimiter !== LENGTH) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `VALUE_FORMAT=${valueFormat}: messages have bytes of all kinds, so that no delimiter ends them: use ` +
        "--delimiter length, and kcat -f '%R%s' to write them",
    );
  }
  const { FramedMessages } = await import('../registry/framed-messages.js');
  const { SchemaLookup } = await import('../registry/schema-lookup.js');
  const { readFramed } = await import('../worker/framed-kernel.js');
  const schemas = new SchemaLookup('value', valueFormat, registry, log);
  // Without their keys.
  const framed = FramedMessages.of({ valueFormat, keyFormat: 'json' }, spec)!;
  const kernel = (of: Kernel): Pick<Kernel, 'read'> => ({
    read: (partition, chunks) => readFramed(of, framed, { partition, chunks, schemas: schemas.schemas }),
  });
  return { schemas, kernel };
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
  const { spec, maskKey, highValueThreshold, delimiter, framed } = options;
  const kernel = openKernel(spec, { ...readerOptions(highValueThreshold), maskKey });
  const reader = new MessageReader(framed?.kernel(kernel) ?? kernel);
  const splitter = delimiter === LENGTH ? new LengthSplitter() : new MessageSplitter(delimiter);
  const take = async (message: Message | null) => {
    if (framed !== undefined && message !== TOO_LARGE && message !== null) await framed.schemas.of(message);
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
  else await write(`${linesOf(spec, chunk, output).join('\n')}\n`);
}

function linesOf(spec: TableSpec, chunk: Chunk, { recordBatches, rejects }: KernelOutput): string[] {
  const { valueValidity } = chunk.views;
  const rejected = new Map(rejects.map((reject) => [reject.row, reject]));
  const rows = recordBatches.flatMap((batch) => rowsOf(spec, batch));
  let next = 0;
  return Array.from({ length: chunk.rows }, (_, index) => {
    const reject = rejected.get(index);
    // They have no keys, so that none is a row.
    if (reject === undefined && !bit(valueValidity, index)) return '{"status":"tombstone"}';
    if (reject === undefined) return JSON.stringify({ status: 'ok', row: rows[next++] });
    const { status, position, column } = reject;
    return JSON.stringify({ status, column, position: position === -1 ? undefined : position });
  });
}
