/** `sluice doctor`: whether a start would work, one line per check. It makes and changes nothing. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { type Config, misspelledVariables, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { serve } from '../http/server.js';
import type { KafkaSource } from '../kafka/kafka-source.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import type { SqlClient } from '../query/sql-client.js';
import { framedFormats, subjectOf } from '../registry/settings.js';
import type { CommandContext } from './context.js';
import { directoryLine, diskFinding } from './doctor-data.js';
import { kafkaLines, positionsFinding } from './doctor-kafka.js';
import { lakeLines } from './doctor-lake.js';
import { type DoctorLine, type Finding, failure, lineOf } from './doctor-line.js';
import { fewThreads } from './thread-pool.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

export function addDoctorCommand(program: Command, { environment, stdout, onFailure }: CommandContext): void {
  program
    .command('doctor')
    .description('check what "run" needs before it is started; exit code 1 if it would fail')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.kafka,
        PROPERTIES_TEXT,
        SECTIONS.consumer,
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.schema,
        SECTIONS.registry,
        SECTIONS.process,
        SECTIONS.metrics,
        SECTIONS.http,
        SECTIONS.log,
      ),
    )
    .option('--json', 'one JSON document in place of lines', false)
    .action(async ({ json }: { json: boolean }) => {
      const checks: DoctorLine[] = [];
      for await (const line of examineAll(environment)) {
        checks.push(line);
        if (!json) await stdout.writeIfOpen(`${textOf(line)}\n`);
      }
      const failed = checks.filter(({ outcome }) => outcome === 'fail').length;
      const summary = failed === 0 ? 'a start would work' : `${failed} ${failed === 1 ? 'check' : 'checks'} failed`;
      await stdout.writeIfOpen(`${json ? JSON.stringify({ ok: failed === 0, checks }) : summary}\n`);
      if (failed > 0) onFailure();
    });
}

function textOf({ outcome, check, code, text }: DoctorLine): string {
  return `${outcome.padEnd(4)}  ${check}: ${code === undefined ? '' : `${code}: `}${text}`;
}

/** Nothing else can be asked without a configuration. */
async function* examineAll(environment: CommandContext['environment']): AsyncGenerator<DoctorLine> {
  let read: ReturnType<CommandContext['environment']>;
  try {
    read = environment();
  } catch (thrown) {
    yield { check: 'configuration', ...failure(thrown) };
    return;
  }
  const misspelled = misspelledVariables().map(({ variable, nearest }) => `${variable} is not read: is it ${nearest}?`);
  yield misspelled.length > 0
    ? { check: 'configuration', outcome: 'warn', text: misspelled.join(' ') }
    : { check: 'configuration', outcome: 'ok', text: `table spec ${read.config.tableSpec ?? 'built in'}` };
  yield* examine(read.config, read.log);
}

/** All checks, in order; each is asked for when the one before was taken. */
export async function* examine(config: Config, log: Logger): AsyncGenerator<DoctorLine> {
  let source: KafkaSource | undefined;
  let client: SqlClient | undefined;
  try {
    source = yield* kafkaLines(config, log);
    const { url } = config.registry;
    const { value, key } = framedFormats(config.registry, config.spec);
    const parts = [...(value ? ['value' as const] : []), ...(key ? ['key' as const] : [])];
    if (url !== undefined && parts.length > 0) {
      const subjects = parts.map((part) => subjectOf(config.kafka.topic, part));
      yield await lineOf('schema registry', () => registryFinding({ ...config.registry, url }, subjects));
    }
    client = yield* directoryLine(config);
    yield await lineOf('disk', () => diskFinding(config.dataDir, config));
    if (config.sink === 'ducklake') client = yield* lakeLines(config);
    const data = client;
    if (source !== undefined && data !== undefined) {
      const kafka = source;
      yield await lineOf('positions', () => positionsFinding(data, kafka, config.kafka.startFrom));
    }
    yield await lineOf('HTTP port', () => portFinding(config));
    yield await lineOf('threads', () => threadsFinding(config));
  } finally {
    client?.close();
    await source?.close();
  }
}

/** A registry that does not answer holds up only schemas that are not known yet; one that refuses ends a start. */
async function registryFinding(
  registry: Config['registry'] & { url: string },
  subjects: readonly string[],
): Promise<Finding> {
  const { RegistryClient } = await import('../registry/client.js');
  const client = new RegistryClient(registry);
  try {
    client.checkCertificates();
    const found: string[] = [];
    for (const subject of subjects) {
      const latest = await client.latest(subject);
      found.push(latest === undefined ? `${subject} is not there yet` : `${subject} has version ${latest.version}`);
    }
    return { outcome: 'ok', text: `${registry.url} answers; ${found.join(', ')}` };
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || !thrown.retryable) throw thrown;
    const text = `${thrown.message}; a run waits with batches of schemas that it does not know yet: start the registry`;
    return { ...failure(thrown), outcome: 'warn', text };
  } finally {
    client.close();
  }
}

/** Listens for a moment. */
async function portFinding({ metrics: { port }, http }: Config): Promise<Finding> {
  if (port === 0) return { outcome: 'ok', text: 'METRICS_PORT=0: no health, metrics and page' };
  const server = await serve({ ...http, port, portName: 'METRICS_PORT' }, () => []);
  server.close();
  await once(server, 'close');
  return { outcome: 'ok', text: `${http.host}:${port} is free` };
}

function threadsFinding(config: Config): Finding {
  const few = fewThreads(config);
  if (few !== undefined) return { outcome: 'warn', text: few };
  return { outcome: 'ok', text: `UV_THREADPOOL_SIZE=${config.threadPoolSize} for WORKERS=${config.worker.workers}` };
}
