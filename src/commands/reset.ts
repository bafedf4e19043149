/** `sluice reset`: where a partition is read from next is what an operator says. */
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError, sinkError } from '../core/errors.js';
import { type Logger, logRemoved } from '../core/log.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import { allRows } from '../query/sql-client.js';
import { maskKeyId } from '../schema/mask-key.js';
import { parseSpec } from '../schema/spec-file.js';
import { openDatabase } from '../sinks/duckdb/database.js';
import { openDirectory } from '../sinks/duckdb/opening.js';
import { type ResetOptions, type ResetPlan, type ResetRequest, reset, resetPlan } from '../sinks/duckdb/reset.js';
import { checkLakeReset, resetLake } from '../sinks/ducklake/reset.js';
import { databasePath, hasDatabase } from '../storage/data-dir.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured, refuseRunning } from './open-sql.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

/** What the command line says. */
interface Choices {
  readonly partition: string;
  readonly to: string;
  readonly topic?: string;
  readonly dryRun: boolean;
}

/** A time has a date and an offset: a local one is not guessed. */
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

export function addResetCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('reset')
    .description('move the position of a partition, while no "run" runs; the ledger knows of it')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.kafka,
        PROPERTIES_TEXT,
        SECTIONS.schema,
        SECTIONS.duckdb.omit({ mergeFrom: true, state: true }),
        SECTIONS.log,
      ),
    )
    .requiredOption('--partition <n>', 'of which partition')
    .requiredOption('--to <where>', 'an offset, earliest, latest, or a time such as 2026-01-31T10:20:30Z')
    .option('--topic <name>', 'the topic; default: KAFKA_TOPIC')
    .option('--dry-run', 'only say what it would do; also beside a run', false)
    .action(async (choices: Choices) => {
      const { config, log } = environment({ KAFKA_TOPIC: ['--topic', choices.topic] });
      await stdout.write(await resetPosition(config, log, choices));
    });
}

/**
 * @returns what to say of it
 * @throws SluiceError SLUICE_LOCKED if a process runs on the data directory, but for a dry run; SLUICE_CONFIG;
 *   SLUICE_OFFSET_OUT_OF_RANGE for offsets that Kafka does not have; as the source and the sink
 */
export async function resetPosition(config: Config, log: Logger, choices: Choices): Promise<string> {
  const { dataDir } = config;
  const { topic } = config.kafka;
  const client = await openConfigured(config);
  let request: ResetRequest;
  let spec: ResetOptions['spec'];
  try {
    if (!choices.dryRun) refuseRunning(client, dataDir, 'stop it first; --dry-run works beside it');
    const scope = await readScope(client, dataDir);
    if (scope.topic !== topic) {
      throw new SluiceError('SLUICE_CONFIG', `DATA_DIR holds the topic ${scope.topic}, not ${topic}: say --topic`);
    }
    spec = parseSpec(JSON.stringify(scope.spec), 'of the data directory');
    request = await asked(config, log, choices);
    const plan = await resetPlan((sql) => allRows(client, sql), request);
    if (config.sink === 'ducklake') checkLakeReset({ catalog: config.lake.catalog }, plan);
    if (choices.dryRun) return `${textOf(plan, 'would be')}a dry run: nothing was changed\n`;
    if (plan.from === plan.to) return textOf(plan, '');
  } finally {
    client.close();
  }
  const options = { ...config.duckdb, dataDir, topic, spec, retention: config.retention };
  const ofMasks = { maskKeyId: maskKeyId(config.maskKey) };
  if (config.sink === 'ducklake') {
    const { lake, objectStore } = config;
    const plan = await resetLake({ ...options, ...lake, objectStore, ...ofMasks, state: undefined }, request);
    return textOf(plan, 'were');
  }
  if (!hasDatabase(dataDir)) throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no database`);
  const instance = await openDatabase(databasePath(dataDir), options);
  const connection = await instance.connect();
  try {
    // A state that is a table does not follow: the next run makes it again.
    const { removed } = await openDirectory(connection, { ...options, ...ofMasks, state: 'view' });
    logRemoved(log, removed);
    return textOf(await reset(connection, request, options), 'were');
  } catch (thrown) {
    throw sinkError(thrown, 'the position cannot be moved');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Asks Kafka what the place is. */
async function asked(config: Config, log: Logger, { partition: text, to }: Choices): Promise<ResetRequest> {
  const partition = /^\d+$/.test(text) ? Number(text) : -1;
  const isTime = TIME.test(to) && !Number.isNaN(Date.parse(to));
  if (!isTime && !/^(\d+|earliest|latest)$/.test(to)) {
    const message = `--to ${to}: must be an offset, earliest, latest, or a time such as 2026-01-31T10:20:30Z`;
    throw new SluiceError('SLUICE_CONFIG', message);
  }
  const { KafkaSource } = await import('../kafka/kafka-source.js');
  const source = new KafkaSource({ ...config.kafka, groupId: `${config.kafka.groupId}-reset` }, log);
  try {
    await source.connect();
    const count = await source.partitionCount();
    if (partition < 0 || partition >= count) {
      throw new SluiceError(
        'SLUICE_CONFIG',
        `--partition ${text}: ${config.kafka.topic} has partitions 0 to ${count - 1}`,
      );
    }
    const { low, high } = await source.offsetRange(partition);
    const words: Readonly<Record<string, number>> = { earliest: low, latest: high };
    const offset = isTime ? await source.offsetAt(partition, Date.parse(to), high) : (words[to] ?? Number(to));
    if (offset < low || offset > high) {
      const message = `--to ${to}: Kafka has offsets ${low} to ${high} of partition ${partition}`;
      throw new SluiceError('SLUICE_OFFSET_OUT_OF_RANGE', message);
    }
    return { partition, asked: to, offset, isEarliest: to === 'earliest', low };
  } finally {
    await source.close();
  }
}

function textOf({ partition, from, to, rows, quarantined, files }: ResetPlan, were: string): string {
  if (from === to) return `partition ${partition}: the position is ${from} already\n`;
  const moved = `partition ${partition}: the position ${were === 'were' ? 'was' : were} moved from ${from} to ${to}`;
  if (to > from) return `${moved}; ${to - from} offsets ${were} skipped, a gap in the ledger\n`;
  const what = `${rows} rows, ${quarantined} quarantined messages and ${files.length} files`;
  return `${moved}; ${what} ${were} removed; the next run reads again what Kafka still has\n`;
}
