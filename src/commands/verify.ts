/** `sluice verify`: one line per check. */
import type { Command } from 'commander';
import type { Config } from '../config.js';
import { SluiceError } from '../errors.js';
import { KafkaSource } from '../kafka-source.js';
import type { Logger } from '../log.js';
import type { Output } from '../output.js';
import { roleColumn } from '../spec.js';
import { loadSpec } from '../spec-file.js';
import { openSql } from '../sql-client.js';
import { type CheckResult, checkKafka, checks, type KafkaRange } from '../verify.js';

export interface VerifyOptions {
  /** Compares the positions with Kafka as well. */
  readonly kafka: boolean;
  readonly log: Logger;
  readonly write: (text: string) => Promise<void>;
}

export function addVerifyCommand(
  program: Command,
  environment: () => { config: Config; log: Logger },
  stdout: Output,
  onFailure: () => void,
): void {
  program
    .command('verify')
    .description('check ledger, Parquet, DuckDB and Kafka positions against each other; exit code 1 on any difference')
    .option('--no-kafka', 'leave Kafka out')
    .action(async ({ kafka }: { kafka: boolean }) => {
      const { config, log } = environment();
      // All is checked though nobody reads: the exit code is the answer.
      const ok = await verify(config, { kafka, log, write: (text) => stdout.writeIfOpen(text) });
      if (!ok) onFailure();
    });
}

/** @returns whether everything agrees */
export async function verify(config: Config, { kafka, log, write }: VerifyOptions): Promise<boolean> {
  const spec = loadSpec(config.tableSpec);
  const client = await openSql(config.dataDir);
  let failed = 0;
  const report = async ({ name, problems }: CheckResult) => {
    if (problems.length > 0) failed++;
    await write(`${problems.length === 0 ? 'ok  ' : 'FAIL'}  ${name}\n`);
    for (const problem of problems) await write(`        ${problem}\n`);
  };
  try {
    const scope = {
      dataDir: config.dataDir,
      topic: config.kafka.topic,
      table: spec.table,
      changeId: roleColumn(spec, 'change_id')!.name,
    };
    for await (const result of checks(client, scope)) await report(result);
    if (kafka) {
      const ranges = await kafkaRanges(config, log);
      if (Array.isArray(ranges)) await report(await checkKafka(client, ranges));
      else await write(`skip  each position is within what Kafka has: ${ranges.message}\n`);
    }
  } finally {
    client.close();
  }
  await write(failed === 0 ? 'everything agrees\n' : `${failed} ${failed === 1 ? 'check' : 'checks'} failed\n`);
  return failed === 0;
}

/** The offsets of all partitions; the error where no broker answers, which proves nothing about the data. */
async function kafkaRanges(config: Config, log: Logger): Promise<KafkaRange[] | SluiceError> {
  const source = new KafkaSource({ ...config.kafka, groupId: `${config.kafka.groupId}-verify` }, log);
  try {
    await source.connect();
    const partitions = Array.from({ length: await source.partitionCount() }, (_, partition) => partition);
    return await Promise.all(
      partitions.map(async (partition) => ({ partition, ...(await source.offsetRange(partition)) })),
    );
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown;
    throw thrown;
  } finally {
    await source.close();
  }
}
