#!/usr/bin/env node
/** The command line: reads arguments and signals, and turns outcomes into exit codes. */
import { homedir } from 'node:os';
import { basename, extname, join, relative } from 'node:path';
import { Command, CommanderError } from 'commander';
import { programVersion } from './assets.js';
import type { CommandContext } from './commands/context.js';
import { namesHelp } from './commands/variables-help.js';
import { misspelledVariables, readConfig, readLogOptions, SECTIONS } from './config.js';
import { OWNER_OR_MODE, SluiceError } from './core/errors.js';
import { createLogger, type Logger } from './core/log.js';
import { Output, OutputClosed } from './core/output.js';
import { ProgressLine } from './core/progress-line.js';
import { installedAddon } from './kafka/addon.js';
import { PROPERTIES_TEXT } from './kafka/settings.js';

/** Done · a check failed · bad configuration or arguments · fatal at run time. */
const EXIT = { done: 0, failedCheck: 1, badConfiguration: 2, fatal: 3 } as const;

const EXIT_HELP = `
Exit codes: 0 done, 1 a check failed, 2 bad configuration or arguments, 3 fatal at run time.
Errors: docs/errors.md says of each code what it means, and what to do.`;

const stderr = new Output(process.stderr, 'stderr');
const progress = new ProgressLine(stderr.isTerminal ? stderr : undefined);
const stdout = new Output(process.stdout, 'stdout', () => progress.clear());
const logs: Logger[] = [];
let failedCheck = false;
let isStuck = false;
let giveUp: (error: SluiceError) => void = () => {};
/** Fails when a command is given up that cannot end. */
const givenUp = new Promise<never>((_, reject) => {
  giveUp = reject;
});

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Aborted by the first SIGTERM or SIGINT. A second one does what it does by default: the process ends at once, which
 * loses nothing, without running the destructors of native libraries beside their threads.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    for (const name of STOP_SIGNALS) process.off(name, stop);
    controller.abort();
  };
  for (const name of STOP_SIGNALS) process.on(name, stop);
  return controller.signal;
}

/** An installed program is found by its name, which has no ending. */
function invocation(script: string): string {
  return extname(script) === '' ? basename(script) : `node ${relative(process.cwd(), script)}`;
}

function beforeKilled(cleanUp: () => void): void {
  for (const name of STOP_SIGNALS) {
    process.once(name, () => {
      cleanUp();
      process.kill(process.pid, name);
    });
  }
}

const context: CommandContext = {
  environment: (overrides = {}) => {
    const given = Object.entries(overrides).filter(([, [, value]]) => value !== undefined);
    const env = { ...process.env, ...Object.fromEntries(given.map(([variable, [, value]]) => [variable, value])) };
    const options = new Map(given.map(([variable, [option]]) => [variable, option]));
    const config = readConfig(env, undefined, options);
    const log = createLogger(config.log, undefined, () => progress.clear());
    logs.push(log);
    for (const { variable, nearest } of misspelledVariables()) log.warn(`${variable} is not read: is it ${nearest}?`);
    return { config, log };
  },
  stopSignal,
  invocation: invocation(process.argv[1]),
  beforeKilled,
  stdin: () => process.stdin,
  // Not before it is needed: a user that the system does not know, as in a container, has no home.
  historyFile: () => join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'sluice', 'history'),
  stdout,
  stderr,
  progress,
  onStuck: (error) => {
    isStuck = true;
    giveUp(error);
  },
  onFailure: () => {
    failedCheck = true;
  },
};

/** Adds a command to the program. Only then are its libraries loaded: none needs all of them. */
const COMMANDS: Readonly<Record<string, (sluice: Command) => Promise<void>>> = {
  run: async (sluice) => (await import('./commands/run.js')).addRunCommand(sluice, context),
  doctor: async (sluice) => (await import('./commands/doctor.js')).addDoctorCommand(sluice, context),
  status: async (sluice) => (await import('./commands/status.js')).addStatusCommand(sluice, context),
  capture: async (sluice) => (await import('./commands/capture.js')).addCaptureCommand(sluice, context),
  demo: async (sluice) => (await import('./commands/demo.js')).addDemoCommand(sluice, context),
  parse: async (sluice) => (await import('./commands/parse.js')).addParseCommand(sluice, context),
  spec: async (sluice) => (await import('./commands/spec.js')).addSpecCommand(sluice, context),
  kernel: async (sluice) => (await import('./commands/kernel.js')).addKernelCommand(sluice, context),
  query: async (sluice) => (await import('./commands/query.js')).addQueryCommand(sluice, context),
  shell: async (sluice) => (await import('./commands/shell.js')).addShellCommand(sluice, context),
  history: async (sluice) => (await import('./commands/history.js')).addHistoryCommand(sluice, context),
  check: async (sluice) => (await import('./commands/check.js')).addCheckCommand(sluice, context),
  verify: async (sluice) => (await import('./commands/verify.js')).addVerifyCommand(sluice, context),
  diff: async (sluice) => (await import('./commands/diff.js')).addDiffCommand(sluice, context),
  quarantine: async (sluice) => (await import('./commands/quarantine.js')).addQuarantineCommand(sluice, context),
  replay: async (sluice) => (await import('./commands/replay.js')).addReplayCommand(sluice, context),
  forget: async (sluice) => (await import('./commands/forget.js')).addForgetCommand(sluice, context),
  reset: async (sluice) => (await import('./commands/reset.js')).addResetCommand(sluice, context),
  backfill: async (sluice) => (await import('./commands/backfill.js')).addBackfillCommand(sluice, context),
  recover: async (sluice) => (await import('./commands/recover.js')).addRecoverCommand(sluice, context),
  ui: async (sluice) => (await import('./commands/ui.js')).addUiCommand(sluice, context),
  compact: async (sluice) => (await import('./commands/compact.js')).addCompactCommand(sluice, context),
};

const VERSION_FLAGS = ['-V', '--version'];

/** @param first argument of the command line: the command that is called, if it is one */
async function program(first: string | undefined): Promise<Command> {
  const sluice = new Command('sluice')
    .description('Change events from Kafka to Parquet and DuckDB, exactly once')
    .option(VERSION_FLAGS.join(', '), 'output the version number')
    .on('option:version', () => {
      stdout.writeLater(`${versionText()}\n`);
      throw new CommanderError(EXIT.done, 'commander.version', 'the version was asked for');
    })
    .addHelpText('after', `${namesHelp([...Object.values(SECTIONS), PROPERTIES_TEXT])}\n${EXIT_HELP}`)
    .configureOutput({
      writeOut: (text) => stdout.writeLater(text),
      writeErr: (text) => stderr.writeLater(text),
      // The error is thrown as well.
      outputError: () => {},
    })
    .exitOverride();
  for (const add of neededCommands(first)) await add(sluice);
  for (const command of sluice.commands) command.exitOverride();
  return sluice;
}

/** What the program must know to read its arguments: all commands, for help and an unknown one. */
function neededCommands(first = ''): readonly ((sluice: Command) => Promise<void>)[] {
  if (VERSION_FLAGS.includes(first)) return [];
  return Object.hasOwn(COMMANDS, first) ? [COMMANDS[first]] : Object.values(COMMANDS);
}

function versionText(): string {
  const { reader = 'none', librdkafka } = installedAddon();
  return `${programVersion()} (Kafka source: ${reader}, librdkafka ${librdkafka})`;
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

/** What the operating system refused, by the error's code: most likely in the data directory. */
const REFUSED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'ENOTDIR', 'EROFS']);

function asError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  const isRefusal = 'path' in thrown && 'code' in thrown && REFUSED.has(thrown.code);
  if (thrown instanceof SluiceError || !isRefusal) return thrown;
  return new SluiceError('SLUICE_DATA_DIR', `${thrown.message}: ${OWNER_OR_MODE}`, { cause: thrown });
}

function argumentError({ message }: CommanderError): SluiceError {
  const what = message.replace(/^error: |\.$/g, '').replaceAll('\n', ' ');
  return new SluiceError('SLUICE_CONFIG', `${what}: see "sluice --help"`);
}

/** Runs the command, and waits until the readers have taken all of its output. @returns the exit code */
async function main(): Promise<number> {
  let code: number = EXIT.done;
  try {
    await Promise.race([(await program(process.argv[2])).parseAsync(), givenUp]);
    if (failedCheck) code = EXIT.failedCheck;
    for (const log of logs) log.flush();
  } catch (thrown) {
    for (const log of logs) log.flush();
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
const code = await main();
// Its threads wait for a server that does not answer, and an exit would wait for them.
if (isStuck) {
  process.kill(process.pid, 'SIGKILL');
  // Still here: it is the first process of a container, which can send itself no signal that ends it.
  process.abort();
}
process.exit(code);
