/** `sluice parse`: the kernel on files or stdin, a line of JSON per message, to try a table spec without Kafka. */
import { createReadStream } from 'node:fs';
import type { RecordBatch } from 'apache-arrow';
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { bit, Chunk, setBit } from '../core/chunk.js';
import { SluiceError } from '../core/errors.js';
import { Kernel } from '../kernel/kernel.js';
import { type TableColumn, type TableSpec, tableColumns } from '../schema/spec.js';
import type { CommandContext } from './context.js';
import { ParseStats } from './parse-stats.js';
import { variablesHelp } from './variables-help.js';

const DELIMITERS = { newline: 0x0a, nul: 0 } as const;
type Delimiter = keyof typeof DELIMITERS;

export interface ParseOptions {
  readonly spec: TableSpec;
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
      const options = { spec: config.spec, highValueThreshold, delimiter, write, stats: totals };
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
  const reader = new MessageReader(options);
  const splitter = new Splitter(options.delimiter);
  for await (const bytes of input) {
    for (const message of splitter.push(bytes)) await reader.take(message);
  }
  const rest = splitter.end();
  if (rest !== undefined) await reader.take(rest);
  await reader.flush();
}

/** A message that is longer is not kept, and reported as the pipeline reports what its kernel has no room for. */
const MAX_MESSAGE_BYTES = 128 << 20;
const TOO_LARGE = Symbol('too large');
type Message = Uint8Array | typeof TOO_LARGE;

/** Cuts a stream of bytes into messages. Blank lines are none; between NUL bytes everything is one. */
class Splitter {
  readonly #delimiter: Delimiter;
  /** The begun message. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(delimiter: Delimiter) {
    this.#delimiter = delimiter;
  }

  *push(bytes: Uint8Array): Generator<Message> {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(DELIMITERS[this.#delimiter], start);
      this.#keep(bytes.subarray(start, end === -1 ? bytes.length : end));
      if (end === -1) return;
      const message = this.#take();
      if (!this.#isBlank(message)) yield message;
      start = end + 1;
    }
  }

  /** What comes after the last delimiter, if anything. */
  end(): Message | undefined {
    const message = this.#take();
    return message !== TOO_LARGE && (message.length === 0 || this.#isBlank(message)) ? undefined : message;
  }

  #keep(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_MESSAGE_BYTES) this.#pieces = [];
    else this.#pieces.push(piece);
  }

  #take(): Message {
    const [pieces, bytes] = [this.#pieces, this.#bytes];
    this.#pieces = [];
    this.#bytes = 0;
    if (bytes > MAX_MESSAGE_BYTES) return TOO_LARGE;
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  #isBlank(message: Message): boolean {
    return this.#delimiter === 'newline' && message !== TOO_LARGE && message.every((byte) => BLANKS.has(byte));
  }
}

const BLANKS: ReadonlySet<number> = new Set(Buffer.from(' \t\r'));

/** Gathers messages in a chunk, and writes what the kernel makes of it. */
class MessageReader {
  readonly #options: ParseOptions;
  readonly #kernel: Kernel;
  readonly #columns: readonly { readonly column: TableColumn; readonly index: number }[];
  readonly #chunk = new Chunk();

  constructor(options: ParseOptions) {
    this.#options = options;
    const { rowLimit, valueCapacity } = this.#chunk;
    this.#kernel = Kernel.create(options.spec, {
      highValueThreshold: options.highValueThreshold,
      lateAfterMs: 0,
      batchRows: rowLimit,
      batchBytes: valueCapacity,
    });
    this.#columns = tableColumns(options.spec)
      .map((column, index) => ({ column, index }))
      .filter(({ column }) => !OF_KAFKA.has(column.name));
  }

  async take(message: Message): Promise<void> {
    if (message === TOO_LARGE) {
      await this.flush();
      if (this.#options.stats !== undefined) this.#options.stats.addTooLarge();
      else await this.#options.write('{"status":"too_large"}\n');
    } else if (message.length > this.#chunk.valueCapacity) {
      await this.flush();
      const large = new Chunk(1, message.length);
      append(large, message);
      await this.#read(large);
    } else {
      if (!this.#chunk.hasRoomFor(1, message.length, 0)) await this.flush();
      append(this.#chunk, message);
    }
  }

  async flush(): Promise<void> {
    if (this.#chunk.rows > 0) await this.#read(this.#chunk);
    this.#chunk.clear();
  }

  async #read(chunk: Chunk): Promise<void> {
    const { stats } = this.#options;
    const start = performance.now();
    const output = this.#kernel.read(0, [chunk.handle()]);
    if (stats !== undefined) {
      stats.add(output, chunk.valueBytes, performance.now() - start);
      return;
    }
    const { recordBatches, rejects } = output;
    const rejected = new Map(rejects.map((reject) => [reject.row, reject]));
    const rows = recordBatches.flatMap((batch) => this.#rows(batch));
    let next = 0;
    const lines = Array.from({ length: chunk.rows }, (_, index) => {
      const reject = rejected.get(index);
      if (reject === undefined) return JSON.stringify({ status: 'ok', row: rows[next++] });
      const { status, position, column } = reject;
      return JSON.stringify({ status, column, position: position === -1 ? undefined : position });
    });
    await this.#options.write(`${lines.join('\n')}\n`);
  }

  #rows(batch: RecordBatch): Record<string, unknown>[] {
    const cells = this.#columns.map(({ column, index }) => ({ name: column.name, at: reader(batch, index, column) }));
    return Array.from({ length: batch.numRows }, (_, row) =>
      Object.fromEntries(cells.map(({ name, at }) => [name, at(row)])),
    );
  }
}

/** Columns whose values come with Kafka. */
const OF_KAFKA: ReadonlySet<string> = new Set(['is_late', 'kafka_partition', 'kafka_offset', 'kafka_timestamp']);

function append(chunk: Chunk, message: Uint8Array): void {
  const { views, rows } = chunk;
  views.values.set(message, chunk.valueBytes);
  chunk.valueBytes += message.length;
  chunk.rows++;
  views.valueOffsets[chunk.rows] = chunk.valueBytes;
  setBit(views.valueValidity, rows, true);
}

/** A row's value of a column, as JSON can say it without loss. */
function reader(batch: RecordBatch, index: number, { type }: TableColumn): (row: number) => unknown {
  const { values, valueOffsets, nullBitmap } = batch.data.children[index];
  const orNull = (read: (row: number) => unknown) => (row: number) =>
    nullBitmap !== undefined && nullBitmap.length > 0 && !bit(nullBitmap, row) ? null : read(row);
  switch (type) {
    case 'utf8':
      return orNull((row) => Buffer.from(values.subarray(valueOffsets[row], valueOffsets[row + 1])).toString());
    case 'bool':
      return orNull((row) => bit(values, row));
    case 'decimal18_4': {
      // The upper half of the 128 bits is the sign.
      const halves = new BigInt64Array(values.buffer, values.byteOffset, batch.numRows * 2);
      return orNull((row) => decimalText(halves[row * 2]));
    }
    case 'timestamp_us_utc':
      return orNull((row) => timeText(values[row]));
    case 'date32':
      return orNull((row) => new Date(values[row] * 86_400_000).toISOString().split('T')[0]);
    default:
      return orNull((row) => (Number.isSafeInteger(Number(values[row])) ? Number(values[row]) : String(values[row])));
  }
}

/** @param scaled by 10^4 */
function decimalText(scaled: bigint): string {
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(5, '0');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

/** ISO 8601. @param microseconds since the epoch */
function timeText(microseconds: bigint): string {
  const milliseconds = microseconds / 1000n - (microseconds % 1000n < 0n ? 1n : 0n);
  const rest = String(microseconds - milliseconds * 1000n).padStart(3, '0');
  return new Date(Number(milliseconds)).toISOString().replace('Z', `${rest}Z`);
}
