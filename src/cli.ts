#!/usr/bin/env node
/** The command line: reads arguments and signals, and turns outcomes into exit codes. */
import { readFileSync } from 'node:fs';
import kafka from '@confluentinc/kafka-javascript';
import { Command, CommanderError } from 'commander';
import { addCaptureCommand } from './commands/capture.js';
import { addCompactCommand } from './commands/compact.js';
import { demo } from './commands/demo.js';
import { addParseCommand } from './commands/parse.js';
import { addQueryCommand } from './commands/query.js';
import { run } from './commands/run.js';
import { addVerifyCommand } from './commands/verify.js';
import { type Config, readConfig } from './config.js';
import { SluiceError } from './errors.js';
import { fastestReader } from './kafka-source.js';
import { createLogger } from './log.js';

/** Done · a check failed · bad configuration or arguments · fatal at run time. */
const EXIT = { done: 0, failedCheck: 1, badConfiguration: 2, fatal: 3 } as const;

const ENVIRONMENT_HELP = `
Configuration comes from environment variables; the README lists them all:
  KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_GROUP_ID, START_FROM, DATA_DIR, WORKERS, BATCH_ROWS, BATCH_BYTES,
  FLUSH_INTERVAL_MS, COMMIT_ROWS, HIGH_VALUE_THRESHOLD, TABLE_SPEC, METRICS_PORT, LOG_LEVEL, …

Exit codes: 0 done, 1 a check failed, 2 bad configuration or arguments, 3 fatal at run time.`;

/** Aborted by the first SIGTERM or SIGINT; a second one ends the process at once, which loses nothing. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT.fatal);
      controller.abort();
    });
  }
  return controller.signal;
}

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const sluice = new Command('sluice')
    .description('Change events from Kafka to Parquet and DuckDB, exactly once')
    .version(`${version} (Kafka source: ${fastestReader()}, librdkafka ${kafka.librdkafkaVersion})`)
    .addHelpText('after', ENVIRONMENT_HELP)
    .exitOverride();
  const terminal = process.stderr.isTTY ? process.stderr : undefined;
  sluice
    .command('run')
    .description('consume the topic; prints a JSON summary as the last line on stdout')
    .option('--until-end', 'stop at the end offsets that the topic has at the start', false)
    .action(async ({ untilEnd }: { untilEnd: boolean }) => {
      const config = readConfig();
      const signal = stopSignal();
      const summary = await run(config, createLogger(config.log), { untilEnd, signal, terminal });
      process.stdout.write(`${JSON.stringify(summary)}\n`);
    });
  sluice
    .command('demo')
    .description('run the whole pipeline on sample events and an embedded Kafka, and show what it did')
    .option('--events <n>', 'how many events', '100000')
    .action(async ({ events }: { events: string }) => {
      await demo(readConfig(), {
        events: Number(events),
        signal: stopSignal(),
        write: (text) => process.stdout.write(text),
      });
    });
  addParseCommand(sluice, (overrides) => readConfig({ ...process.env, ...overrides }));
  addQueryCommand(sluice, readConfig);
  const environment = () => {
    const config = readConfig();
    return { config, log: createLogger(config.log) };
  };
  addCaptureCommand(sluice, environment, stopSignal);
  addVerifyCommand(sluice, environment, () => {
    process.exitCode = EXIT.failedCheck;
  });
  addCompactCommand(sluice, readConfig);
  for (const command of sluice.commands) command.exitOverride();
  return sluice;
}

/** One line for people or machines; a stack trace is for LOG_LEVEL=debug. */
function report(error: SluiceError | Error): void {
  let config: Config | undefined;
  try {
    config = readConfig();
  } catch {
    // The configuration itself is what is to be reported.
  }
  const code = error instanceof SluiceError ? error.code : undefined;
  const detailed = config?.log.level === 'debug' || config?.log.level === 'trace';
  if (config?.log.format === 'json') {
    createLogger(config.log).fatal({ code, ...(detailed && { error }) }, error.message);
  } else {
    process.stderr.write(`${code ?? 'error'}: ${error.message}\n`);
    if (detailed) process.stderr.write(`${error.stack}\n${error.cause ? `caused by: ${String(error.cause)}\n` : ''}`);
  }
}

function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.badConfiguration;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  report(error);
  if (!(error instanceof SluiceError)) return EXIT.fatal;
  return error.code === 'SLUICE_CONFIG' || error.code === 'SLUICE_QUERY' ? EXIT.badConfiguration : EXIT.fatal;
}

// A reader of stdout that stops early, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

try {
  await program().parseAsync();
  process.exitCode ??= EXIT.done;
} catch (thrown) {
  process.exitCode = exitCodeOf(thrown);
}
// librdkafka's and DuckDB's threads may outlive their handles; everything that must be finished is.
process.exit();
