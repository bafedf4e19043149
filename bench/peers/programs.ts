/** The programs of bench/peers.ts, and what they are installed with. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const TOOLS = resolve('build/peers');
const PYTHON = join(TOOLS, 'venv/bin/python');
const HERE = 'bench/peers';
const BUNDLE = join(TOOLS, 'bundle');
const MICRO_BATCH = 100_000;
const LARGE_MICRO_BATCH = 330_000;

export interface Peer {
  readonly name: string;
  readonly command: (bootstrap: string, topic: string, out: string, events: number) => string[];
  readonly env?: (bootstrap: string, topic: string, out: string) => NodeJS.ProcessEnv;
  /** What its output holds: a relation of DuckDB, and the file to open, if any. */
  readonly output: (out: string) => { database?: string; relation: string };
}

export const PEERS: readonly Peer[] = [
  {
    name: 'sluice',
    command: () => [process.execPath, 'dist/cli.js', 'run', '--until-end'],
    env: (bootstrap, topic, out) => ({
      KAFKA_BROKERS: bootstrap,
      KAFKA_TOPIC: topic,
      KAFKA_GROUP_ID: out,
      DATA_DIR: out,
      METRICS_PORT: '0',
      LOG_LEVEL: 'warn',
    }),
    output: (out) => ({ database: join(out, 'analytics.db'), relation: 'cdc_orders' }),
  },
  plain('both'),
  spark('udf', 'duck-parquet'),
];

export const VARIANTS: readonly Peer[] = [
  plain('parquet'),
  plain('upsert'),
  spark('native', 'duck-parquet'),
  spark('udf-arrow', 'duck-parquet'),
  spark('native', 'parquet'),
];

/** With Spark: into Parquet with the same micro-batches. The others are compared with the first. */
export const ON_SPARK: readonly Peer[] = [
  spark('udf', 'parquet', LARGE_MICRO_BATCH),
  spark('native', 'parquet', LARGE_MICRO_BATCH),
  sparkKernel('map'),
  sparkKernel('files'),
];

export const ON_SPARK_VARIANTS: readonly Peer[] = [sparkKernel('rows')];

function plain(sink: string): Peer {
  return {
    name: `plain.py ${sink}`,
    command: (bootstrap, topic, out, events) => [
      ...[PYTHON, `${HERE}/plain.py`, bootstrap, topic, String(events), out, sink],
    ],
    output: (out) =>
      sink === 'parquet'
        ? { relation: `read_parquet('${out}/*.parquet')` }
        : { database: join(out, 'orders.db'), relation: 'orders' },
  };
}

function spark(amount: string, sink: string, batch = MICRO_BATCH): Peer {
  return {
    name: `Spark ${amount} ${sink}`,
    command: (bootstrap, topic, out) => [
      ...sparkSubmit(),
      ...[`${HERE}/spark.py`, bootstrap, topic, out, amount, sink, String(batch)],
    ],
    env: sparkEnv,
    output: (out) =>
      sink === 'parquet'
        ? { relation: `(FROM read_parquet('${out}/parquet/*.parquet') WHERE _corrupt IS NULL)` }
        : { database: join(out, 'orders.db'), relation: 'orders' },
  };
}

/** @param how of spark_kernel.py */
function sparkKernel(how: string): Peer {
  return {
    name: `Spark kernel ${how}`,
    command: (bootstrap, topic, out) => [
      ...sparkSubmit(),
      ...[`${HERE}/spark_kernel.py`, bootstrap, topic, out, how, String(LARGE_MICRO_BATCH), BUNDLE],
    ],
    env: sparkEnv,
    output: (out) => ({
      relation: `(FROM read_parquet('${out}/orders/*.parquet')${how === 'files' ? '' : ' WHERE _rejected IS NULL'})`,
    }),
  };
}

function sparkSubmit(): string[] {
  const jars = readdirSync(join(TOOLS, 'jars')).map((jar) => join(TOOLS, 'jars', jar));
  const local = ['--conf', 'spark.driver.bindAddress=127.0.0.1', '--conf', 'spark.driver.host=127.0.0.1'];
  const master = ['--master', 'local[2]', '--driver-memory', '4g', ...local];
  return [join(sparkHome(), 'bin/spark-submit'), ...master, '--jars', jars.join(',')];
}

function sparkEnv(): NodeJS.ProcessEnv {
  return {
    SPARK_HOME: sparkHome(),
    PYSPARK_PYTHON: PYTHON,
    PYSPARK_DRIVER_PYTHON: PYTHON,
    PYTHONPATH: resolve('spark/src'),
    SPARK_LOCAL_IP: '127.0.0.1',
  };
}

function sparkHome(): string {
  const [lib] = readdirSync(join(TOOLS, 'venv/lib'));
  return join(TOOLS, 'venv/lib', lib, 'site-packages/pyspark');
}

/** Python packages and the jars of Spark's Kafka source, once. */
export function installTools(): void {
  mkdirSync(TOOLS, { recursive: true });
  const run = (command: string, args: string[]) => {
    const { status } = spawnSync(command, args, { stdio: 'inherit' });
    if (status !== 0)
      throw new Error(`${command} ${args.join(' ')} failed: Python 3 with venv, Java 17 and Maven are needed`);
  };
  if (!existsSync(PYTHON)) run('python3', ['-m', 'venv', join(TOOLS, 'venv')]);
  run(PYTHON, ['-m', 'pip', 'install', '--quiet', '-r', `${HERE}/requirements.txt`]);
  run(process.execPath, ['dist/cli.js', 'kernel', 'export', '--out', BUNDLE]);
  if (existsSync(join(TOOLS, 'jars'))) return;
  run('mvn', ['-q', '-B', '-f', `${HERE}/pom.xml`, 'dependency:copy-dependencies', `-DoutputDirectory=${TOOLS}/jars`]);
}
