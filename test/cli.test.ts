import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import kafka from '@confluentinc/kafka-javascript';
import { describe, expect, it } from 'vitest';
import { installedAddon } from '../src/kafka/addon.js';
import { PackedReader } from '../src/kafka/packed-reader.js';
import { runCli, temporaryDataDir } from './support/cli.js';

/** Says on stderr which native addons a process loads, worker threads included. */
const REPORT_ADDONS = `
const load = process.dlopen;
process.dlopen = function (module, file, ...more) {
  require('node:fs').writeSync(2, 'addon ' + require('node:path').basename(file) + '\\n');
  return load.call(this, module, file, ...more);
};`;

/** Runs a command to its end. @returns the native addons that it loaded, in order, each once */
async function addonsOf(args: readonly string[]): Promise<string[]> {
  const folder = await temporaryDataDir();
  const hook = path.join(folder, 'report-addons.cjs');
  await writeFile(hook, REPORT_ADDONS);
  const { stderr } = await runCli(args, { env: { DATA_DIR: folder, NODE_OPTIONS: `--require ${hook}` }, input: '{}' });
  return [...new Set([...stderr.matchAll(/^addon (.*)$/gm)].map(([, name]) => name))];
}

describe('a command', () => {
  it.each([['--version'], ['-V'], ['run', '--help'], ['parse'], ['parse', '--help'], ['spec', '--list']])(
    'that needs no native addon loads none: %s',
    async (...args) => {
      expect(await addonsOf(args)).toEqual([]);
    },
  );

  it.each([['query', 'FROM orders'], ['--help']])(
    'that needs DuckDB only does not load the Kafka client: %s',
    async (...args) => {
      expect(await addonsOf(args)).toEqual(['duckdb.node']);
    },
  );

  it('that needs the Kafka client loads it', async () => {
    expect(await addonsOf(['demo', '--events', '100'])).toContain('confluent-kafka-javascript.node');
  });
});

/** As a user that the system does not know has it, who has no HOME either. */
const NO_HOME = `
require('node:os').homedir = () => { throw new Error('uv_os_homedir returned ENOENT'); };
require('node:module').syncBuiltinESMExports();`;

describe('without a home', () => {
  it('the program runs', async () => {
    const folder = await temporaryDataDir();
    const hook = path.join(folder, 'no-home.cjs');
    await writeFile(hook, NO_HOME);
    const env = { DATA_DIR: folder, NODE_OPTIONS: `--require ${hook}` };
    const { code, stdout, stderr } = await runCli(['parse'], { env, input: '{}' });
    expect([code, stdout, stderr]).toEqual([0, expect.stringContaining('"status"'), '']);
  });
});

describe('--help', () => {
  it.each([
    ['run', 'KAFKA_CONFIG_*', 'MONGODB_URI'],
    ['capture', 'KAFKA_CONFIG_*', 'UV_THREADPOOL_SIZE'],
    ['demo', 'KAFKA_SOURCE', 'KAFKA_TOPIC'],
    ['verify', 'KAFKA_CONFIG_*', 'KAFKA_TOPIC'],
    ['recover', 'DUCKDB_MEMORY_LIMIT', 'WORKERS'],
    ['compact', 'COMPACT_TARGET_BYTES', 'PARQUET_WRITER'],
  ])('of %s has %s, which it reads, and not %s', async (command, read, unread) => {
    const { stdout } = await runCli([command, '--help']);
    const variables = stdout.slice(stdout.indexOf('Environment variables')).split(/\s+/);
    expect(variables).toContain(read);
    expect(variables).not.toContain(unread);
  });
});

describe('--version', () => {
  it('says what the Kafka client is without loading it', async () => {
    const { code, stdout } = await runCli(['--version']);
    const reader = PackedReader.isSupported(new kafka.KafkaConsumer({ 'group.id': 'probe' }, {})) ? 'packed' : 'stock';
    expect(installedAddon()).toEqual({ reader, librdkafka: kafka.librdkafkaVersion });
    expect(stdout).toContain(`(Kafka source: ${reader}, librdkafka ${kafka.librdkafkaVersion})`);
    expect(code).toBe(0);
  });
});
