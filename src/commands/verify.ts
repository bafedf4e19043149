/** `sluice verify`: one line per check. */
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { isQueryFailure, SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { type ProgressLine, stopwatch } from '../core/progress-line.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import type { SqlClient } from '../query/sql-client.js';
import { type CheckResult, counted } from '../verify/check.js';
import { checks } from '../verify/checks.js';
import { KAFKA_CHECKS, kafkaChecks } from '../verify/kafka.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

export interface VerifyOptions {
  /** Compares the positions with Kafka as well. */
  readonly kafka: boolean;
  readonly log: Logger;
  /** Shows how far it is; default: nothing does. */
  readonly progress?: ProgressLine;
  readonly write: (text: string) => Promise<void>;
}

export function addVerifyCommand(program: Command, context: CommandContext): void {
  const { environment, stdout, progress, onFailure } = context;
  program
    .command('verify')
    .description('check ledger, Parquet, DuckDB and Kafka against each other; exit code 1 on any difference')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.kafka.pick({ brokers: true }),
        PROPERTIES_TEXT,
        SECTIONS.consumer,
        SECTIONS.log,
      ),
    )
    .option('--no-kafka', 'leave Kafka out')
    .action(async ({ kafka }: { kafka: boolean }) => {
      const { config, log } = environment();
      // All is checked though nobody reads: the exit code is the answer.
      const ok = await verify(config, { kafka, log, progress, write: (text) => stdout.writeIfOpen(text) });
      if (!ok) onFailure();
    });
}

/**
 * Writes `ok`, `FAIL` or `skip` and the check, with the problems below it, and `note` and what is worth knowing.
 * @returns whether everything agrees
 */
export async function verify(config: Config, { kafka, log, progress, write }: VerifyOptions): Promise<boolean> {
  const client = await openConfigured(config);
  let made = 0;
  let failed = 0;
  const seconds = stopwatch();
  const end = progress?.show({ text: () => `verify: ${seconds()}  ${counted(made, 'check')} made` });
  const report = async ({ name, problems, notes, skipped }: CheckResult) => {
    made++;
    if (problems.length > 0) failed++;
    if (skipped !== undefined) await write(`skip  ${name}: ${skipped}\n`);
    else await write(`${problems.length === 0 ? 'ok  ' : 'FAIL'}  ${name}\n`);
    for (const problem of problems) await write(`        ${problem}\n`);
    for (const note of notes) await write(`note  ${note}\n`);
  };
  try {
    const scope = await readScope(client, config.dataDir);
    for await (const result of checks(client, scope)) await report(result);
    if (kafka) await verifyKafka(client, config, scope.topic, log, report);
  } finally {
    end?.();
    client.close();
  }
  await write(failed === 0 ? 'everything agrees\n' : `${failed} ${failed === 1 ? 'check' : 'checks'} failed\n`);
  return failed === 0;
}

/** Kafka that does not answer proves nothing about the data: the checks are skipped. */
async function verifyKafka(
  client: SqlClient,
  config: Config,
  topic: string,
  log: Logger,
  report: (result: CheckResult) => Promise<void>,
): Promise<void> {
  const { KafkaSource } = await import('../kafka/kafka-source.js');
  const source = new KafkaSource({ ...config.kafka, topic, groupId: `${config.kafka.groupId}-verify` }, log);
  const reported = new Set<string>();
  try {
    await source.connect();
    for await (const result of kafkaChecks(client, source, config.kafka.startFrom)) {
      reported.add(result.name);
      await report(result);
    }
  } catch (thrown) {
    if (isQueryFailure(thrown) || !(thrown instanceof SluiceError)) throw thrown;
    const missing = Object.values(KAFKA_CHECKS).filter((name) => !reported.has(name));
    for (const name of missing) await report({ name, problems: [], notes: [], skipped: thrown.message });
  } finally {
    await source.close();
  }
}
