#!/usr/bin/env node
/**
 * `npm run spark -- …` runs spark/job.py on this machine: its virtual environment is made once, and the kernel of
 * TABLE_SPEC exported each time. What is after `--` goes to the job; SPARK_MASTER is the cluster, default `local[*]`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOME = path.join(ROOT, 'build/spark');
const VENV = path.join(HOME, 'venv');
const PYTHON = path.join(VENV, 'bin/python');
const BUNDLE = path.join(HOME, 'bundle');
const PACKAGE = path.join(ROOT, 'spark');
const STAMP = path.join(VENV, 'installed.txt');
const SPARK = 'pyspark==4.1.1';
const ICEBERG = 'org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0';

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error !== undefined) throw error;
  return status ?? 1;
}

function must(command, args) {
  if (run(command, args) !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
}

function install() {
  const wanted = `${SPARK}\n${readFileSync(path.join(PACKAGE, 'pyproject.toml'), 'utf8')}`;
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  rmSync(VENV, { recursive: true, force: true });
  mkdirSync(HOME, { recursive: true });
  must('python3', ['-m', 'venv', VENV]);
  must(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-e', `${PACKAGE}[spark]`, SPARK]);
  writeFileSync(STAMP, wanted);
}

/** A table of Iceberg without a server: its catalog is a folder. One that is configured in Spark takes its place. */
function icebergOf(dataDir) {
  return [
    ['--packages', ICEBERG],
    ['--conf', 'spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions'],
    ['--conf', 'spark.sql.catalog.lake=org.apache.iceberg.spark.SparkCatalog'],
    ['--conf', 'spark.sql.catalog.lake.type=hadoop'],
    ['--conf', `spark.sql.catalog.lake.warehouse=${path.resolve(dataDir, 'warehouse')}`],
  ].flat();
}

install();
must(process.execPath, [path.join(ROOT, 'dist/cli.js'), 'kernel', 'export', '--out', BUNDLE]);
const { SPARK_MASTER = 'local[*]', DATA_DIR = './data', TABLE_FORMAT } = process.env;
const submit = [
  ...['--master', SPARK_MASTER, '--conf', 'spark.ui.enabled=false', '--conf', 'spark.sql.session.timeZone=UTC'],
  ...(TABLE_FORMAT === 'iceberg' ? icebergOf(DATA_DIR) : []),
];
const job = [path.join(PACKAGE, 'job.py'), ...process.argv.slice(2)];
process.exitCode = run(path.join(VENV, 'bin/spark-submit'), [...submit, ...job], {
  KERNEL_BUNDLE: BUNDLE,
  PYSPARK_PYTHON: PYTHON,
  PYSPARK_DRIVER_PYTHON: PYTHON,
});
