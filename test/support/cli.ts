/** Runs the compiled program as a user does: `node dist/cli.js …`, with an environment of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const TIMEOUT_MS = 60_000;

export interface CliOptions {
  /** All of the program's variables; of the test's own environment only PATH, HOME and TMPDIR are passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it reads from stdin; default: nothing. */
  readonly input?: string | Uint8Array;
  /** It is killed after this long; default 60,000. */
  readonly timeoutMs?: number;
  /** Another script than dist/cli.js. */
  readonly script?: string;
  /** Runs this in a shell instead, in which $SLUICE is the program. */
  readonly shell?: string;
}

export interface CliResult {
  /** null if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs; killed at the end of the test if it still does. */
export class CliProcess {
  readonly pid: number;
  /** Settles when the program has ended and all its output is read. */
  readonly ended: Promise<CliResult>;
  readonly #child: ChildProcess;
  readonly #output = { stdout: '', stderr: '' };
  readonly #lines: string[] = [];
  #closed = false;
  #lineArrived = () => {};

  private constructor(child: ChildProcess, pid: number, timeoutMs: number) {
    this.#child = child;
    this.pid = pid;
    this.#collect('stdout');
    this.#collect('stderr');
    const overdue = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    this.ended = once(child, 'close').then(([code, signal]) => {
      clearTimeout(overdue);
      this.#closed = true;
      this.#lineArrived();
      return { code, signal, ...this.#output };
    });
  }

  /** Call it within a test. */
  static async start(args: readonly string[], options: CliOptions = {}): Promise<CliProcess> {
    const { PATH = '', HOME = '', TMPDIR = tmpdir() } = process.env;
    const command =
      options.shell === undefined
        ? ([process.execPath, [options.script ?? CLI, ...args]] as const)
        : (['sh', ['-c', options.shell]] as const);
    const child = spawn(...command, {
      cwd: options.cwd,
      env: { PATH, HOME, TMPDIR, SLUICE: `${process.execPath} ${CLI}`, ...options.env },
    });
    const started = new CliProcess(child, child.pid ?? -1, options.timeoutMs ?? TIMEOUT_MS);
    await once(child, 'spawn');
    // A program may end before it has read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await started.ended;
    });
    return started;
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes this end of its pipes, as a reader that is gone. */
  stopReading(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /**
   * The first line of either stream that matches, also one that was printed before the call.
   * @throws if the program ends without it, with what it printed instead
   */
  async line(pattern: RegExp): Promise<string> {
    for (let seen = 0; ; ) {
      for (; seen < this.#lines.length; seen++) {
        if (pattern.test(this.#lines[seen])) return this.#lines[seen];
      }
      if (this.#closed) throw new Error(`ended without a line like ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const others = this.#lineArrived;
        this.#lineArrived = () => {
          others();
          resolve();
        };
      });
    }
  }

  #collect(name: 'stdout' | 'stderr'): void {
    const stream = this.#child[name];
    if (stream === null) throw new Error(`the program has no ${name}`);
    stream.setEncoding('utf8').on('data', (text: string) => {
      this.#output[name] += text;
    });
    createInterface(stream).on('line', (line) => {
      this.#lines.push(line);
      const wake = this.#lineArrived;
      this.#lineArrived = () => {};
      wake();
    });
  }
}

/** Runs it to its end. Call it within a test. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return (await CliProcess.start(args, options)).ended;
}

/** Runs a shell script to its end, in which $SLUICE is the program: `$SLUICE query "FROM orders" | head`. */
export async function runShell(shell: string, options: CliOptions = {}): Promise<CliResult> {
  return runCli([], { ...options, shell });
}

/** A folder of its own for DATA_DIR, removed at the end of the test. */
export async function temporaryDataDir(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
