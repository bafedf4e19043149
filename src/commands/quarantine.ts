/** `sluice quarantine`: how many messages could not become rows, why and when, and samples of them. */
import { type Command, InvalidArgumentError } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { isSealedSql, MessageCipher, messagePlace, needsMaskKey, SEAL_BYTES } from '../schema/mask-key.js';
import { readScope } from '../verify/ledger.js';
import { drawWindow } from './byte-window.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { type QuarantineFilter, quarantineCondition, reasonOption, sinceOption } from './quarantine-filter.js';
import { drawTable } from './text-table.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

export interface QuarantineOptions extends QuarantineFilter {
  /** Of each reason; 0 for the counts. */
  readonly samples: number;
  readonly json: boolean;
  /** Of messages that are encrypted; undefined: they stay so. */
  readonly cipher?: MessageCipher | undefined;
  /** Of the terminal in characters; undefined if it has no end. */
  readonly width: number | undefined;
  readonly write: (text: string) => Promise<void>;
}

/** Where nothing says how wide a line is. */
const USUAL_WIDTH = 100;
const MIN_WIDTH = 20;
const MAX_SAMPLES = 1000;
/** In place of the bytes. */
const ENCRYPTED = '(encrypted, since the table spec has masks: --decrypt shows it)';

export function addQuarantineCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('quarantine')
    .description('count the messages that could not become rows by reason and time, or show samples of them')
    .addHelpText('after', variablesHelp(SECTIONS.storage, ...LAKE_SECTIONS, SECTIONS.schema, SECTIONS.log))
    .option('--samples <n>', 'show the newest n messages of each reason, with the byte to blame', sampleCount)
    .addOption(reasonOption())
    .addOption(sinceOption())
    .option('--json', 'a line of JSON for each count or sample', false)
    .option('--decrypt', 'show samples of messages that are encrypted for masks, with the key of MASK_KEY_FILE', false)
    .action(async ({ samples = 0, decrypt, ...options }: QuarantineFlags) => {
      const { config } = environment();
      const cipher = decrypt ? cipherOf(config) : undefined;
      const client = await openConfigured(config);
      const write = (text: string) => stdout.write(text);
      try {
        await readScope(client, config.dataDir);
        const all = { ...options, samples, cipher, width: stdout.width, write };
        await (samples > 0 ? writeSamples(client, all) : writeCounts(client, all));
      } finally {
        client.close();
      }
    });
}

type QuarantineFlags = QuarantineFilter & { samples?: number; json: boolean; decrypt: boolean };

function cipherOf({ maskKey }: Config): MessageCipher {
  if (maskKey === undefined) throw needsMaskKey('--decrypt shows messages that are encrypted for masks');
  return new MessageCipher(maskKey);
}

function sampleCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,4}$/.test(text) && count > 0 && count <= MAX_SAMPLES) return count;
  throw new InvalidArgumentError(`it must be an integer from 1 to ${MAX_SAMPLES}`);
}

/** How long the spans are by which messages are counted: each takes over above so many milliseconds in all. */
const SPANS = [
  { above: 4 * 86_400_000, name: 'day', format: '%Y-%m-%d' },
  { above: 4 * 3_600_000, name: 'hour', format: '%Y-%m-%d %H:00' },
  { above: Number.NEGATIVE_INFINITY, name: 'minute', format: '%Y-%m-%d %H:%M' },
] as const;

/** Counts by reason and span of time in UTC. Those of a filter that fits none are said, too. */
export async function writeCounts(client: SqlClient, options: QuarantineOptions): Promise<void> {
  const { json, width, write } = options;
  const condition = quarantineCondition(options);
  const [{ milliseconds }] = await allRows(
    client,
    `SELECT epoch_ms(max(kafka_timestamp)) - epoch_ms(min(kafka_timestamp)) AS milliseconds
     FROM sluice.quarantine WHERE ${condition}`,
  );
  const { name, format } = SPANS.find(({ above }) => Number(milliseconds ?? 0) > above)!;
  const rows = await allRows(
    client,
    `SELECT reason, coalesce(strftime(date_trunc('${name}', kafka_timestamp), '${format}'), 'no time') AS "time",
       count(*)::DOUBLE AS messages, count(DISTINCT partition_id)::DOUBLE AS partitions
     FROM sluice.quarantine WHERE ${condition} GROUP BY ALL ORDER BY ALL`,
  );
  if (json) {
    for (const { reason, time, messages, partitions } of rows) {
      const span = time === 'no time' ? null : time;
      const counts = { messages: Number(messages), partitions: Number(partitions) };
      await write(`${JSON.stringify({ reason, [name]: span, ...counts })}\n`);
    }
  } else if (rows.length === 0) await write(nothing(options));
  else {
    const cells = rows.map(({ reason, time, messages, partitions }) => [reason, time, messages, partitions]);
    await write(drawTable(['reason', `${name} (UTC)`, 'messages', 'partitions'], cells, cells.length, width));
  }
}

function nothing({ reason, since }: QuarantineFilter): string {
  const isAny = reason === undefined && since === undefined;
  return isAny ? 'the quarantine is empty\n' : 'no message in the quarantine is of this reason and time\n';
}

/** The newest of each reason, each with the bytes around the one to blame. */
export async function writeSamples(client: SqlClient, options: QuarantineOptions): Promise<void> {
  const { json, samples, cipher, write } = options;
  const width = Math.max(MIN_WIDTH, options.width ?? USUAL_WIDTH);
  const [{ format_version }] = await allRows(client, 'SELECT format_version FROM sluice.meta');
  // Directories of format 1 do not say which column it is.
  const column = Number(format_version) < 2 ? 'NULL' : 'column_name';
  // Bytes are counted from 0, and places in a BLOB from 1.
  const start = `greatest(0, coalesce(byte_position, 0) - ${width})`;
  const rows = await allRows(
    client,
    `SELECT topic, partition_id, message_offset, reason, ${column} AS column_name, byte_position,
       strftime(kafka_timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') AS "time", octet_length(value) AS bytes, ${start} AS "from",
       hex(value[${start} + 1:${start} + ${2 * width + 1}]) AS part,
       ${isSealedSql('value')} AS "is sealed", ${cipher === undefined ? 'NULL' : 'hex(value)'} AS whole
     FROM sluice.quarantine WHERE ${quarantineCondition(options)}
     QUALIFY row_number() OVER (PARTITION BY reason ORDER BY kafka_timestamp DESC NULLS LAST, partition_id,
       message_offset DESC) <= ${samples}
     ORDER BY reason, kafka_timestamp DESC NULLS LAST, partition_id, message_offset DESC`,
  );
  if (rows.length === 0 && !json) await write(nothing(options));
  for (const row of rows) {
    const sample = sampleOf(row, width, cipher);
    await write(json ? `${JSON.stringify(sample)}\n` : textOf(sample));
  }
}

interface Sample {
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  /** Of `missing_required`. */
  readonly column: string | null;
  /** Of the byte to blame, null if there is none. */
  readonly position: number | null;
  readonly time: string | null;
  /** Null of a tombstone. */
  readonly bytes: number | null;
  /** The bytes, and below them the caret. */
  readonly window: readonly string[];
}

function sampleOf(row: Record<string, unknown>, width: number, cipher: MessageCipher | undefined): Sample {
  const number = (value: unknown) => (value === null ? null : Number(value));
  const position = number(row.byte_position);
  const isSealed = row['is sealed'] === true;
  const place = messagePlace(String(row.topic), Number(row.partition_id), Number(row.message_offset), 'value');
  const opened = isSealed ? cipher?.open(Buffer.from(String(row.whole), 'hex'), place) : undefined;
  const bytes = isSealed ? Number(row.bytes) - SEAL_BYTES : number(row.bytes);
  const from = opened === undefined ? Number(row.from) : 0;
  const shown = opened ?? Buffer.from(String(row.part), 'hex');
  const part = { from, length: bytes ?? 0, position: position ?? undefined };
  const windowOf = () => {
    if (bytes === null) return [];
    return isSealed && opened === undefined ? [ENCRYPTED] : drawWindow(shown, part, width);
  };
  return {
    partition: Number(row.partition_id),
    offset: Number(row.message_offset),
    reason: String(row.reason),
    column: row.column_name as string | null,
    position,
    time: row.time as string | null,
    bytes,
    window: windowOf(),
  };
}

function textOf({ partition, offset, reason, column, position, time, bytes, window }: Sample): string {
  const of = column === null ? '' : ` ${column}`;
  const at = position === null ? '' : `, byte ${position}`;
  const size = bytes === null ? 'a tombstone' : `${bytes} bytes`;
  const head = [`partition ${partition}, offset ${offset}: ${reason}${of}${at}`, `  ${time ?? 'no time'}, ${size}`];
  return `${[...head, ...window].join('\n')}\n\n`;
}
