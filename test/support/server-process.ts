/** A server that a test starts: it listens on the loopback, can crash and hang, and never outlives the test. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
/** Someone else can take a free port before the server does. */
const PORT_ATTEMPTS = 3;
const PORT_TAKEN = /address already in use/i;

export interface ServerCommand {
  /** For errors: `the broker at 127.0.0.1:1234`. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** File for what it prints; empty at each start. */
  readonly output: string;
  /** What it prints when it serves. */
  readonly ready: string;
  /** Within which it serves; default READY_TIMEOUT_MS. */
  readonly readyTimeoutMs?: number;
  /** Its watchdog's signal; default SIGKILL. */
  readonly lastSignal?: 'SIGKILL' | 'SIGQUIT';
  readonly options?: Omit<SpawnOptions, 'stdio'>;
}

/** Calls `start` with a free port of the loopback, again with another if someone else was faster. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (!(error instanceof Error && PORT_TAKEN.test(error.message)) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** The folder of the PATH that has this program. */
export function folderOf(program: string): string | undefined {
  return (process.env.PATH ?? '').split(path.delimiter).find((folder) => isProgram(path.join(folder, program)));
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export class ServerProcess {
  readonly #command: ServerCommand;
  #child: ChildProcess | undefined;
  #watchdog: ChildProcess | undefined;

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** @throws if it is down */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.#command.name} is down`);
    return this.#child.pid;
  }

  /** What it has printed since it was started. */
  get printed(): string {
    return readFileSync(this.#command.output, 'utf8');
  }

  /** Starts it and waits until it serves. @throws with the end of what it printed */
  async start(): Promise<void> {
    const { program, args, options, lastSignal = 'SIGKILL' } = this.#command;
    const output = await open(this.#command.output, 'w');
    const child = spawn(program, args, { ...options, stdio: ['ignore', output.fd, output.fd] });
    try {
      await once(child, 'spawn');
    } finally {
      await output.close();
    }
    this.#child = child;
    this.#watchdog = watch(child, lastSignal);
    await this.#untilReady(child);
  }

  /** Sends a signal and waits for the end; SIGKILL follows if it takes too long. Does nothing if it is down. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(overdue);
    }
    this.#watchdog?.kill('SIGKILL');
    this.#watchdog = undefined;
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    const { name, ready, readyTimeoutMs = READY_TIMEOUT_MS } = this.#command;
    const deadline = Date.now() + readyTimeoutMs;
    while (!this.printed.includes(ready)) {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (ended || Date.now() > deadline) {
        await this.end('SIGKILL');
        const tail = this.printed.split('\n').slice(-20).join('\n');
        throw new Error(`${name} ${ended ? 'ended' : `was not ready after ${readyTimeoutMs} ms`}:\n${tail}`);
      }
      await sleep(POLL_MS);
    }
  }
}

/**
 * Ends the server when this process is gone, however it went: the watchdog waits on a pipe that only this one holds.
 * A handler in this process would not run after SIGKILL or a crash.
 */
function watch({ pid }: ChildProcess, signal: string): ChildProcess {
  const end = `kill -${signal.slice('SIG'.length)} ${pid}; kill -CONT ${pid}`;
  const watchdog = spawn('/bin/sh', ['-c', `trap '' INT TERM HUP; read _; ${end}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  return watchdog;
}
