/** A real, single-node Apache Kafka for tests: started on free ports of the loopback, stopped with the test run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installKafka, type KafkaInstallation } from './jars.js';

export interface BrokerOptions {
  /** Folder for logs, configuration and output; one that a broker has used before is taken up again. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Broker properties on top of PROPERTIES. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface Broker {
  /** `127.0.0.1:port`, the same over restarts. */
  readonly bootstrap: string;
  /** Folder of the partitions' logs, `<topic>-<partition>` each. */
  readonly logs: string;
  /** Of the JVM that runs now; changes with a restart. */
  readonly pid: number;
  /** Orderly: the broker closes its logs. Does nothing if it is down already. */
  stop(): Promise<void>;
  /** As a crash: SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, killing it first if it runs. */
  restart(): Promise<void>;
}

/** For one node, fast start and messages far larger than usual. */
const PROPERTIES: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'num.partitions': '4',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  // After a crash the controller waits so long before it believes that the former broker is gone.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'group.min.session.timeout.ms': '100',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  'log.initial.task.delay.ms': '500',
  // Events of tests have timestamps of any time; retention goes by them.
  'log.retention.ms': '-1',
  'log.segment.delete.delay.ms': '0',
  'message.max.bytes': String(64 << 20),
  'replica.fetch.max.bytes': String(64 << 20),
  'socket.request.max.bytes': String(128 << 20),
};
const JVM_FLAGS = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:-UsePerfData', '-Xshare:auto'];
const LOG_FLAGS = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
];
const READY_LINE = 'Kafka Server started';
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
/** Someone else can take a free port before the broker does. */
const PORT_ATTEMPTS = 3;

/** Starts a broker and waits until it serves; about two seconds, more if Kafka's jars must be fetched first. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const installation = await installKafka();
  for (let attempt = 1; ; attempt++) {
    const broker = new LocalBroker(installation, options, options.port ?? (await freePort()), await freePort());
    try {
      await broker.start();
      return broker;
    } catch (error) {
      const portTaken = error instanceof Error && error.message.includes('Address already in use');
      if (!portTaken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

class LocalBroker implements Broker {
  readonly bootstrap: string;
  readonly logs: string;
  readonly #installation: KafkaInstallation;
  readonly #options: BrokerOptions;
  readonly #controllerPort: number;
  readonly #output: string;
  #jvm: ChildProcess | undefined;
  #watchdog: ChildProcess | undefined;

  constructor(installation: KafkaInstallation, options: BrokerOptions, port: number, controllerPort: number) {
    this.#installation = installation;
    this.#options = options;
    this.#controllerPort = controllerPort;
    this.#output = path.join(options.dataDir, 'broker.log');
    this.logs = path.join(options.dataDir, 'logs');
    this.bootstrap = `127.0.0.1:${port}`;
  }

  get pid(): number {
    if (this.#jvm?.pid === undefined) throw new Error(`the broker at ${this.bootstrap} is down`);
    return this.#jvm.pid;
  }

  async start(): Promise<void> {
    const configuration = await this.#configure();
    const output = await open(this.#output, 'w');
    const flags = [...JVM_FLAGS, ...LOG_FLAGS, '-cp', this.#installation.classpath];
    const jvm = spawn('java', [...flags, 'kafka.Kafka', configuration], { stdio: ['ignore', output.fd, output.fd] });
    try {
      await once(jvm, 'spawn');
    } finally {
      await output.close();
    }
    this.#jvm = jvm;
    this.#watchdog = watch(jvm);
    await this.#untilReady(jvm);
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** @returns the path of the properties file */
  async #configure(): Promise<string> {
    const { logs } = this;
    const { dataDir } = this.#options;
    await mkdir(dataDir, { recursive: true });
    if (!existsSync(logs)) cpSync(this.#installation.formattedLogs, logs, { recursive: true });
    const controller = `127.0.0.1:${this.#controllerPort}`;
    const properties = {
      ...PROPERTIES,
      'controller.quorum.voters': `1@${controller}`,
      listeners: `PLAINTEXT://${this.bootstrap},CONTROLLER://${controller}`,
      'advertised.listeners': `PLAINTEXT://${this.bootstrap}`,
      'log.dirs': logs,
      ...this.#options.properties,
    };
    const file = path.join(dataDir, 'broker.properties');
    await writeFile(
      file,
      Object.entries(properties).map(([name, value]) => `${name}=${value}\n`),
    );
    return file;
  }

  async #untilReady(jvm: ChildProcess): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await readFile(this.#output, 'utf8')).includes(READY_LINE)) {
      if (jvm.exitCode !== null || jvm.signalCode !== null) throw new Error(`the broker ended:\n${this.#outputTail()}`);
      if (Date.now() > deadline) {
        await this.kill();
        throw new Error(`the broker was not ready after ${READY_TIMEOUT_MS} ms:\n${this.#outputTail()}`);
      }
      await sleep(POLL_MS);
    }
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const jvm = this.#jvm;
    this.#jvm = undefined;
    if (jvm === undefined) return;
    if (jvm.exitCode === null && jvm.signalCode === null) {
      const exited = once(jvm, 'exit');
      jvm.kill(signal);
      const overdue = setTimeout(() => jvm.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(overdue);
    }
    this.#watchdog?.kill('SIGKILL');
    this.#watchdog = undefined;
  }

  #outputTail(): string {
    return readFileSync(this.#output, 'utf8').split('\n').slice(-20).join('\n');
  }
}

/**
 * Kills the JVM when this process is gone, however it went: the watchdog waits on a pipe that only this process holds.
 * A handler in this process would not run after SIGKILL or a crash.
 */
function watch(jvm: ChildProcess): ChildProcess {
  const watchdog = spawn('/bin/sh', ['-c', `trap '' INT TERM HUP; read _; kill -9 ${jvm.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  return watchdog;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
