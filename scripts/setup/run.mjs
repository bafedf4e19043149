/** What the steps of set-up share: they run commands with the output in a log, and report progress. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** The project's folder. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const LOG = path.join(ROOT, 'build', 'setup.log');
const LOG_TAIL_LINES = 30;

/** A failure whose message says everything: no stack trace is shown. */
export class SetupError extends Error {}

/** Starts an empty log. */
function openLog() {
  mkdirSync(path.dirname(LOG), { recursive: true });
  writeFileSync(LOG, '');
}

/** Runs npm. @param env variables to set besides those of this process. @returns its exit code */
export function npm(args, env) {
  // Under `npm run` the same npm; with plain `node scripts/setup.mjs` the one of the PATH.
  const own = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...first] = own;
  return run(command, [...first, ...args], { env });
}

/** Runs a command with its output in the log. @returns its exit code, 1 if it did not start or was stopped */
export function run(command, args, { cwd = ROOT, env = {}, input, timeout, quiet = false } = {}) {
  if (!quiet) appendFileSync(LOG, `\n$ ${[path.basename(command), ...args].join(' ')}\n`);
  const output = quiet ? 'ignore' : openSync(LOG, 'a');
  const { status } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    input,
    timeout,
    stdio: [input === undefined ? 'ignore' : 'pipe', output, output],
  });
  if (!quiet) closeSync(output);
  return status ?? 1;
}

/** Runs a command. @returns what it writes to stdout, without white space around it. @throws SetupError if it fails */
export function output(command, args, { cwd = ROOT } = {}) {
  const { status, stdout } = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) fail(`${[path.basename(command), ...args].join(' ')}: failed`);
  return stdout.trim();
}

/** Reports an action, its failure and its duration. @param action returns an exit code. @throws SetupError */
export function step(title, action) {
  report(title);
  const clock = new Worker(CLOCK, { eval: true });
  const start = Date.now();
  let code;
  try {
    code = action();
  } finally {
    clock.terminate();
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (code !== 0) fail(`${title}: failed`);
  report(`  done in ${Math.round((Date.now() - start) / 1000)} s`);
}

/** Shows that a step goes on, from a thread of its own: this one waits for the command. */
const CLOCK = `
  const start = Date.now();
  const { isatty } = require('node:tty');
  const [interval, form] = isatty(2) ? [1_000, (text) => '\\r' + text] : [10_000, (text) => text + '\\n'];
  setInterval(() => {
    const seconds = Math.round((Date.now() - start) / 1000);
    require('node:fs').writeSync(2, form('setup:   ' + seconds + ' s'));
  }, interval);`;

/** Runs a script. A failure of it is reported without a stack trace, and is the exit code. */
export function runScript(main) {
  try {
    openLog();
    main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    report(error.message);
    process.exitCode = 1;
  }
}

/** Writes a line to stderr. */
export function report(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** @throws SetupError with the end of the log */
export function fail(message) {
  const tail = readFileSync(LOG, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  throw new SetupError(`${message}\n\nThe end of ${path.relative(ROOT, LOG)}:\n${tail}`);
}

/** Whether there is a file or folder of this name. */
export function exists(file) {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
