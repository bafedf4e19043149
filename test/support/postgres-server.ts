/** A real Postgres on a free port of the loopback. */
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { folderOf, isProgram, onFreePort, ServerProcess } from './server-process.js';

const execFileAsync = promisify(execFile);

export interface PostgresOptions {
  /** Settings as postgresql.conf has them, on top of SETTINGS: `{ log_statement: 'all', fsync: 'on' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether clients need the password (scram-sha-256), which connection strings then have. Default: false. */
  readonly password?: boolean;
}

export interface Postgres {
  readonly port: number;
  /** Of the process that runs now; changes with a restart. */
  readonly pid: number;
  /** What the server has logged since its last start. */
  readonly log: string;
  /** Makes an empty database with a name of its own. @returns libpq's connection string for it */
  createDatabase(): Promise<string>;
  /** Runs SQL with psql. @returns a string per row, with its columns separated by `|` */
  query(connection: string, sql: string): Promise<string[]>;
  /** Orderly, though clients are disconnected. Does nothing if it is down already. */
  stop(): Promise<void>;
  /** As a crash: SIGKILL for the server and the processes of its connections. */
  kill(): Promise<void>;
  /** Starts it on the same port and data; after `kill` it recovers from its log first. Does nothing if it is up. */
  start(): Promise<void>;
  /** From now on it answers nobody, and connections stay open: SIGSTOP, until `resume`, `stop` or `kill`. */
  pause(): void;
  resume(): void;
}

/** A test needs no data that outlives the machine, and cannot tell a crash of the server from one with `fsync`. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // Its file would be in a folder that other servers use as well, and connections by it need no password.
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %d ',
};
/** Debian has the programs of each version in a folder of it, out of the PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** Transactions have so long to end before the server does. */
const TRANSACTION_MS = 20_000;
const SUPERUSER = 'sluice';
const PASSWORD = "it's secret";

/** Says why no Postgres can be started here, undefined if one can. With CI=true set-up provides it: else an error. */
export function whyNoPostgres(): string | undefined {
  if (programs() !== undefined) return undefined;
  const obstacle = 'Postgres is not found; on Debian, as root: apt-get install -y postgresql';
  if (process.env.CI === 'true') throw new Error(`tests with Postgres cannot run: ${obstacle}`);
  return obstacle;
}

/** The folder of initdb, postgres and psql: that of the PATH, or the newest of Debian's. */
function programs(): string | undefined {
  const versions = statSync(DEBIAN_FOLDER, { throwIfNoEntry: false }) ? readdirSync(DEBIAN_FOLDER) : [];
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  const folders = [folderOf('initdb'), ...newestFirst.map((version) => path.join(DEBIAN_FOLDER, version, 'bin'))];
  return folders.find((folder) =>
    ['initdb', 'postgres', 'psql'].every((program) => folder !== undefined && isProgram(path.join(folder, program))),
  );
}

/** The caller ends it with `quit`. @param folder its own; the user that Postgres runs as must be able to get there */
export async function startPostgres(folder: string, options: PostgresOptions): Promise<LocalPostgres> {
  const bin = programs();
  if (bin === undefined) throw new Error(whyNoPostgres());
  const user = unprivileged();
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const data = path.join(folder, 'data');
  const passwordFile = path.join(folder, 'password');
  await writeFile(passwordFile, PASSWORD);
  const auth = options.password === true ? 'scram-sha-256' : 'trust';
  await execFileAsync(
    path.join(bin, 'initdb'),
    [
      ...['--pgdata', data, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', auth],
      ...['--encoding', 'UTF8', '--no-locale', '--no-sync'],
    ],
    { ...user, cwd: folder, env: environment() },
  );
  return onFreePort(async (port) => {
    const postgres = new LocalPostgres(bin, folder, port, options.settings ?? {});
    await postgres.start();
    return postgres;
  });
}

/** Whom to run as: Postgres refuses to be root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody']));
  return { uid: id('-u'), gid: id('-g') };
}

/** Without the variables of libpq and of the server, which would change what a test connects to. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

export class LocalPostgres implements Postgres {
  readonly port: number;
  readonly #psql: string;
  readonly #process: ServerProcess;
  #databases = 0;
  #paused: number[] = [];

  constructor(bin: string, folder: string, port: number, settings: Readonly<Record<string, string>>) {
    this.port = port;
    this.#psql = path.join(bin, 'psql');
    const all = Object.entries({ ...SETTINGS, ...settings, port: `${port}` });
    this.#process = new ServerProcess({
      name: `Postgres at 127.0.0.1:${port}`,
      program: path.join(bin, 'postgres'),
      args: ['-D', path.join(folder, 'data'), ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      output: path.join(folder, 'postgres.log'),
      ready: 'database system is ready to accept connections',
      lastSignal: 'SIGQUIT',
      options: { ...unprivileged(), cwd: folder, env: environment() },
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  get log(): string {
    return this.#process.printed;
  }

  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.query(this.#connection('postgres'), `CREATE DATABASE ${name}`);
    return this.#connection(name);
  }

  async query(connection: string, sql: string): Promise<string[]> {
    const flags = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set', 'ON_ERROR_STOP=1'];
    const { stdout } = await execFileAsync(this.#psql, [...flags, '-d', connection, '-c', sql], { env: environment() });
    return stdout.split('\n').slice(0, -1);
  }

  async start(): Promise<void> {
    if (!this.#process.running) await this.#process.start();
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#process.end('SIGINT');
  }

  async kill(): Promise<void> {
    if (!this.#process.running) return;
    // Stopped first, it starts no process for a new connection in the meantime.
    process.kill(this.pid, 'SIGSTOP');
    for (const pid of childrenOf(this.pid)) process.kill(pid, 'SIGKILL');
    this.#paused = [];
    await this.#process.end('SIGKILL');
  }

  /** Without a checkpoint, as nothing is kept. */
  async quit(): Promise<void> {
    this.resume();
    await this.#transactionsEnd();
    await this.#process.end('SIGQUIT');
  }

  /** DuckDB ends its whole process if the server goes within a transaction: that of a test which took too long, say. */
  async #transactionsEnd(): Promise<void> {
    const open = `SELECT pid FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()`;
    const endMs = performance.now() + TRANSACTION_MS;
    const areOpen = async () => (await this.query(this.#connection('postgres'), open).catch(() => [])).length > 0;
    while (performance.now() < endMs && (await areOpen())) await sleep(100);
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
    this.#paused = [...childrenOf(this.pid), this.pid];
    for (const pid of this.#paused) process.kill(pid, 'SIGSTOP');
  }

  resume(): void {
    for (const pid of this.#paused) process.kill(pid, 'SIGCONT');
    this.#paused = [];
  }

  #connection(database: string): string {
    const password = PASSWORD.replaceAll(/['\\]/g, '\\$&');
    return `host=127.0.0.1 port=${this.port} user=${SUPERUSER} password='${password}' dbname=${database}`;
  }
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}
