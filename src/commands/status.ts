/** `sluice status`: where a data directory stands, beside the process that runs on it or at rest. */
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { HAS_STATE } from '../sinks/duckdb/state.js';
import { DiskWatch } from '../storage/disk-usage.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { diskPlaces } from './run-gauges.js';
import { statusText } from './status-text.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

/** Of a partition. Times are ISO 8601; null is what is not known. */
export interface PartitionStanding {
  readonly partition: number;
  /** The next offset to be committed. */
  readonly position: number;
  readonly end: number | null;
  readonly lag: number | null;
  readonly watermark: string | null;
  readonly lastCommit: string | null;
  /** The last time that `sluice reset` moved it. */
  readonly lastReset: { readonly from: number; readonly to: number; readonly at: string } | null;
}

/** What `--json` prints. */
export interface Standing {
  readonly dataDir: string;
  readonly topic: string;
  readonly sink: string;
  readonly running: boolean;
  readonly partitions: readonly PartitionStanding[];
  /** Why there are no end offsets, if Kafka did not give them. */
  readonly endsUnknown: string | null;
  /** Messages by outcome, as the ledger has them. */
  readonly rows: Readonly<Record<string, number>>;
  /** Quarantined messages by reason. */
  readonly quarantine: Readonly<Record<string, number>>;
  /** Of a lake all that its catalog names. Null if they cannot be counted. */
  readonly files: number | null;
  readonly fileBytes: number | null;
  readonly databaseBytes: number | null;
  readonly walBytes: number | null;
  /** Rows of the table of the newest state; null if there is none. */
  readonly stateRows: number | null;
}

export function addStatusCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('status')
    .description('where the data directory stands: positions, lag, rows, quarantine, files; beside a run or at rest')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.kafka.pick({ brokers: true }),
        PROPERTIES_TEXT,
        SECTIONS.log,
      ),
    )
    .option('--json', 'one JSON document', false)
    .option('--no-kafka', 'do not ask Kafka where the logs end')
    .action(async ({ json, kafka }: { json: boolean; kafka: boolean }) => {
      const { config, log } = environment();
      const standing = await readStanding(config, kafka, log);
      await stdout.write(json ? `${JSON.stringify(standing)}\n` : statusText(standing));
    });
}

/** @throws SluiceError as `openConfigured`, SLUICE_CONFIG if nothing was consumed yet */
export async function readStanding(config: Config, kafka: boolean, log: Logger): Promise<Standing> {
  const client = await openConfigured(config);
  try {
    const { topic } = await readScope(client, config.dataDir);
    const positions = await readPositions(client);
    const ends = kafka ? await readEnds(config, topic, log) : 'not asked for';
    const places = diskPlaces({ ...config, kafka: { ...config.kafka, topic } }, async () => client);
    const watch = new DiskWatch(places);
    watch.look();
    await watch.counted();
    const { databaseBytes = null, walBytes = null, parquet } = watch.look();
    const total = (field: 'files' | 'bytes') => parquet?.reduce((sum, usage) => sum + usage[field], 0) ?? null;
    return {
      ...{ dataDir: config.dataDir, topic, sink: config.sink, running: client.live },
      partitions: positions.map((standing) => withEnd(standing, typeof ends === 'string' ? undefined : ends)),
      endsUnknown: typeof ends === 'string' ? ends : null,
      ...(await readCounts(client)),
      ...{ files: total('files'), fileBytes: total('bytes'), databaseBytes, walBytes },
    };
  } finally {
    client.close();
  }
}

type Position = Omit<PartitionStanding, 'end' | 'lag'>;

async function readPositions(client: SqlClient): Promise<Position[]> {
  const resets = await readResets(client);
  const rows = await allRows(
    client,
    `SELECT partition_id, next_offset, epoch_ms(watermark) AS watermark, epoch_ms(committed_at) AS committed
     FROM sluice.positions
     LEFT JOIN (SELECT partition_id, max(committed_at) AS committed_at FROM sluice.batches GROUP BY ALL) b
     USING (partition_id) ORDER BY partition_id`,
  );
  const time = (ms: unknown) => (ms === null ? null : new Date(Number(ms)).toISOString());
  return rows.map(({ partition_id, next_offset, watermark, committed }) => ({
    partition: Number(partition_id),
    position: Number(next_offset),
    watermark: time(watermark),
    lastCommit: time(committed),
    lastReset: resets.get(Number(partition_id)) ?? null,
  }));
}

/** By partition. The first reset makes the table. */
async function readResets(client: SqlClient): Promise<Map<number, PartitionStanding['lastReset']>> {
  const tables = await allRows(
    client,
    `SELECT 1 FROM duckdb_tables() WHERE schema_name = 'sluice' AND table_name = 'resets'`,
  );
  if (tables.length === 0) return new Map();
  const last = await allRows(
    client,
    `SELECT partition_id, from_offset, to_offset, epoch_ms(reset_at) AS "at" FROM sluice.resets
     QUALIFY row_number() OVER (PARTITION BY partition_id ORDER BY reset_at DESC) = 1`,
  );
  return new Map(
    last.map(({ partition_id, from_offset, to_offset, at }) => [
      Number(partition_id),
      { from: Number(from_offset), to: Number(to_offset), at: new Date(Number(at)).toISOString() },
    ]),
  );
}

/** Joins no group. @returns by partition where the log ends, or why that is not known */
async function readEnds(config: Config, topic: string, log: Logger): Promise<Map<number, number> | string> {
  const { KafkaSource } = await import('../kafka/kafka-source.js');
  const source = new KafkaSource({ ...config.kafka, topic }, log);
  try {
    await source.connect();
    const partitions = Array.from({ length: await source.partitionCount() }, (_, partition) => partition);
    const ranges = await Promise.all(partitions.map((partition) => source.offsetRange(partition)));
    return new Map(ranges.map(({ high }, partition) => [partition, high]));
  } catch (thrown) {
    if (!(thrown instanceof SluiceError)) throw thrown;
    return `${thrown.code}: ${thrown.message}`;
  } finally {
    await source.close();
  }
}

function withEnd(standing: Position, ends: ReadonlyMap<number, number> | undefined): PartitionStanding {
  const end = ends?.get(standing.partition) ?? null;
  return { ...standing, end, lag: end === null ? null : Math.max(0, end - standing.position) };
}

const OUTCOMES = ['consumed', 'merged', 'duplicate', 'quarantined', 'tombstone', 'marker'];

async function readCounts(client: SqlClient): Promise<Pick<Standing, 'rows' | 'quarantine' | 'stateRows'>> {
  // A directory that only an older Sluice wrote to has fewer of them.
  const described = await allRows(client, 'DESCRIBE sluice.batches');
  const columns = new Set(described.map(({ column_name }) => column_name));
  const known = OUTCOMES.filter((name) => columns.has(`rows_${name}`));
  const sums = known.map((name) => `coalesce(sum(rows_${name}), 0) AS ${name}`).join(', ');
  const [counts] = await allRows(client, `SELECT ${sums} FROM sluice.batches`);
  const reasons = await allRows(
    client,
    'SELECT reason, count(*) AS messages FROM sluice.quarantine GROUP BY reason ORDER BY messages DESC, reason',
  );
  const [{ has_state }] = await allRows(client, HAS_STATE);
  const [state] = has_state === true ? await allRows(client, 'SELECT count(*) AS rows FROM sluice.state') : [];
  return {
    rows: Object.fromEntries(known.map((name) => [name, Number(counts[name])])),
    quarantine: Object.fromEntries(reasons.map(({ reason, messages }) => [String(reason), Number(messages)])),
    stateRows: state === undefined ? null : Number(state.rows),
  };
}
