#!/usr/bin/env node
/** The command line: reads arguments and signals, and turns outcomes into exit codes. */
import { readFileSync } from 'node:fs';
import kafka from '@confluentinc/kafka-javascript';
import { Command, CommanderError } from 'commander';
import { PACKAGE_JSON } from './assets.js';
import { type Config, readConfig, readLogOptions } from './config.js';
import { SluiceError } from './core/errors.js';
import { createLogger, type Logger } from './core/log.js';
import { Output, OutputClosed } from './core/output.js';
import { fastestReader } from './kafka/kafka-source.js';

/** Done · a check failed · bad configuration or arguments · fatal at run time. */
const EXIT = { done: 0, failedCheck: 1, badConfiguration: 2, fatal: 3 } as const;

const ENVIRONMENT_HELP = `
Configuration comes from environment variables; docs/configuration.md lists them all:
  KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_GROUP_ID, START_FROM, DATA_DIR, WORKERS, BATCH_ROWS, BATCH_BYTES,
  FLUSH_INTERVAL_MS, COMMIT_ROWS, HIGH_VALUE_THRESHOLD, TABLE_SPEC, METRICS_PORT, LOG_LEVEL, …

Exit codes: 0 done, 1 a check failed, 2 bad configuration or arguments, 3 fatal at run time.`;

const stdout = new Output(process.stdout, 'stdout');
const stderr = new Output(process.stderr, 'stderr');
let failedCheck = false;

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

function environment(): { config: Config; log: Logger } {
  const config = readConfig();
  return { config, log: createLogger(config.log) };
}

function failCheck(): void {
  failedCheck = true;
}

/** Adds a command to the program. Only then are its libraries loaded: most need not start with all of them. */
const COMMANDS: Readonly<Record<string, (sluice: Command) => Promise<unknown>>> = {
  run: async (sluice) =>
    (await import('./commands/run.js')).addRunCommand(sluice, environment, stopSignal, { stdout, stderr }),
  capture: async (sluice) => (await import('./commands/capture.js')).addCaptureCommand(sluice, environment, stopSignal),
  demo: async (sluice) => (await import('./commands/demo.js')).addDemoCommand(sluice, readConfig, stopSignal, stdout),
  parse: async (sluice) => {
    const { addParseCommand } = await import('./commands/parse.js');
    addParseCommand(sluice, (more) => readConfig({ ...process.env, ...more }), stdout);
  },
  query: async (sluice) => (await import('./commands/query.js')).addQueryCommand(sluice, readConfig, stdout),
  verify: async (sluice) =>
    (await import('./commands/verify.js')).addVerifyCommand(sluice, environment, stdout, failCheck),
  recover: async (sluice) =>
    (await import('./commands/recover.js')).addRecoverCommand(sluice, readConfig, stdout, failCheck),
  compact: async (sluice) => (await import('./commands/compact.js')).addCompactCommand(sluice, environment, stdout),
};

async function program(): Promise<Command> {
  const { version } = JSON.parse(readFileSync(PACKAGE_JSON, 'utf8')) as {
    version: string;
  };
  const sluice = new Command('sluice')
    .description('Change events from Kafka to Parquet and DuckDB, exactly once')
    .version(`${version} (Kafka source: ${fastestReader()}, librdkafka ${kafka.librdkafkaVersion})`)
    .addHelpText('after', ENVIRONMENT_HELP)
    .configureOutput({
      writeOut: (text) => stdout.writeLater(text),
      writeErr: (text) => stderr.writeLater(text),
      // The error is thrown as well.
      outputError: () => {},
    })
    .exitOverride();
  const all = Object.entries(COMMANDS);
  const called = all.filter(([name]) => name === process.argv[2]);
  for (const [, add] of called.length > 0 ? called : all) await add(sluice);
  for (const command of sluice.commands) command.exitOverride();
  return sluice;
}

/** Every failure is reported here, in the form of the log: one line, a stack trace is for LOG_LEVEL=debug. */
function report(error: SluiceError | Error): void {
  const { level, format } = readLogOptions();
  const code = error instanceof SluiceError ? error.code : undefined;
  const detailed = level === 'debug' || level === 'trace';
  if (format === 'json') {
    createLogger({ level: 'fatal', format }).fatal({ code, ...(detailed && { error }) }, error.message);
  } else {
    stderr.writeLater(`${code ?? 'error'}: ${error.message}\n`);
    if (detailed) stderr.writeLater(`${error.stack}\n${error.cause ? `caused by: ${String(error.cause)}\n` : ''}`);
  }
}

function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof OutputClosed) return EXIT.done;
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.done;
  // Help that was not asked for says enough.
  if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT.badConfiguration;
  const error = thrown instanceof CommanderError ? argumentError(thrown) : asError(thrown);
  report(error);
  if (!(error instanceof SluiceError)) return EXIT.fatal;
  return error.code === 'SLUICE_CONFIG' || error.code === 'SLUICE_QUERY' ? EXIT.badConfiguration : EXIT.fatal;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function argumentError({ message }: CommanderError): SluiceError {
  const what = message.replace(/^error: |\.$/g, '').replaceAll('\n', ' ');
  return new SluiceError('SLUICE_CONFIG', `${what}: see "sluice --help"`);
}

/** Runs the command, and waits until the readers have taken all of its output. @returns the exit code */
async function main(): Promise<number> {
  let code: number = EXIT.done;
  try {
    await (await program()).parseAsync();
    if (failedCheck) code = EXIT.failedCheck;
  } catch (thrown) {
    code = exitCodeOf(thrown);
  }
  await stdout.drained().catch((thrown) => {
    // A command that has failed is reported already, and most likely with this.
    if (code === EXIT.done) code = exitCodeOf(thrown);
  });
  // There is no place left to report that stderr cannot be written.
  await stderr.drained().catch(() => {});
  return code;
}

// librdkafka's and DuckDB's threads may outlive their handles; everything that must be finished is.
process.on('uncaughtException', (thrown) => process.exit(exitCodeOf(thrown)));
process.exit(await main());
