/** What the steps of set-up share: running commands with their output in a log, and telling how it goes. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const LOG = path.join(ROOT, 'build', 'setup.log');
const LOG_TAIL_LINES = 30;

/** A failure that is told by its message alone. */
export class SetupError extends Error {}

/** Starts an empty log. */
export function openLog() {
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

/** Reports an action, its failure and its duration. @param action returns an exit code. @throws SetupError */
export function step(title, action) {
  report(title);
  const start = Date.now();
  if (action() !== 0) fail(`${title}: failed`);
  report(`  done in ${Math.round((Date.now() - start) / 1000)} s`);
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
