/** A real, single-node Apache Kafka for tests: started on free ports of the loopback, stopped with the test run. */
import { cpSync, existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort, onFreePort, ServerProcess } from '../server-process.js';
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
/** Starts a broker and waits until it serves; about two seconds, more if Kafka's jars must be fetched first. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const installation = await installKafka();
  const start = async (port: number) => {
    const broker = new LocalBroker(installation, options, port, await freePort());
    await broker.start();
    return broker;
  };
  return options.port === undefined ? onFreePort(start) : start(options.port);
}

class LocalBroker implements Broker {
  readonly bootstrap: string;
  readonly logs: string;
  readonly #installation: KafkaInstallation;
  readonly #options: BrokerOptions;
  readonly #controllerPort: number;
  readonly #properties: string;
  readonly #process: ServerProcess;

  constructor(installation: KafkaInstallation, options: BrokerOptions, port: number, controllerPort: number) {
    this.#installation = installation;
    this.#options = options;
    this.#controllerPort = controllerPort;
    this.#properties = path.join(options.dataDir, 'broker.properties');
    this.logs = path.join(options.dataDir, 'logs');
    this.bootstrap = `127.0.0.1:${port}`;
    this.#process = new ServerProcess({
      name: `the broker at ${this.bootstrap}`,
      program: 'java',
      args: [...JVM_FLAGS, ...LOG_FLAGS, '-cp', installation.classpath, 'kafka.Kafka', this.#properties],
      output: path.join(options.dataDir, 'broker.log'),
      ready: 'Kafka Server started',
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  async start(): Promise<void> {
    await this.#configure();
    await this.#process.start();
  }

  async stop(): Promise<void> {
    await this.#process.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#process.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async #configure(): Promise<void> {
    const { logs } = this;
    await mkdir(this.#options.dataDir, { recursive: true });
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
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(this.#properties, lines);
  }
}
