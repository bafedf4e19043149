/** `sluice forget`: takes all of one key out of a data directory, for whoever has the right to be forgotten. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type Logger, logRemoved } from '../core/log.js';
import { identifier, literal } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { MessageCipher, maskKeyId, needsMaskKey } from '../schema/mask-key.js';
import { roleColumn, type TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { Forget, type ForgetOptions } from '../sinks/duckdb/forget.js';
import { checkMaskKey } from '../sinks/duckdb/mask-key.js';
import { type MessageTest, searchQuarantine } from '../sinks/duckdb/quarantine-search.js';
import { isOldDatabase } from '../sinks/duckdb/renewed-database.js';
import { LakeForget } from '../sinks/ducklake/forget.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { keyMatcher } from './key-matcher.js';
import { openConfigured, refuseRunning } from './open-sql.js';
import { sinkOptions } from './sink-options.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

/** Hexadecimal digits of the HMAC that a masked key is. */
const HMAC_DIGITS = 32;
/** Messages that a dry run lists. */
const MAX_LISTED = 20;

export function addForgetCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('forget')
    .description('take all rows, quarantined messages and bytes of one key out of the sink; while no "run" runs')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.schema,
        SECTIONS.parquet,
        SECTIONS.duckdb.omit({ mergeFrom: true, state: true }),
        SECTIONS.registry.pick({ valueFormat: true, keyFormat: true }),
        SECTIONS.log,
      ),
    )
    .requiredOption('--key <id>', 'the key, as messages have it: of a masked one before the mask')
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else that of the last start')
    .option('--dry-run', 'only say how much there is of it; also beside a run', false)
    .action(async ({ key, spec, dryRun }: { key: string; spec?: string; dryRun: boolean }) => {
      const { config, log } = environment({ TABLE_SPEC: ['--spec', spec] });
      await stdout.write(await forget(config, log, key, dryRun));
    });
}

/**
 * @returns what to say of it
 * @throws SluiceError SLUICE_LOCKED if a process runs on the data directory or uses the lake, but for a dry run;
 *   SLUICE_CONFIG without the key of masks that it needs, or if the key is empty; as `Forget` and `LakeForget`
 */
export async function forget(config: Config, log: Logger, id: string, dryRun: boolean): Promise<string> {
  if (id === '') throw new SluiceError('SLUICE_CONFIG', '--key is empty: say which key to forget');
  const { dataDir, maskKey } = config;
  const client = await openConfigured(config);
  let open: () => Promise<Forget | LakeForget>;
  try {
    const todo = 'stop it, forget, and start it again; --dry-run works beside it';
    if (!dryRun) refuseRunning(client, dataDir, todo);
    const { topic, spec: stored } = await readScope(client, dataDir);
    const spec =
      config.tableSpec === undefined ? parseSpec(JSON.stringify(stored), 'of the data directory') : config.spec;
    const [meta] = await allRows(client, 'FROM sluice.meta');
    checkMaskKey(meta, maskKeyId(maskKey));
    const key = keyInTable(spec, id, maskKey);
    const { valueFormat, keyFormat } = config.registry;
    const column = roleColumn(spec, 'key')!;
    const cipher = maskKey && new MessageCipher(maskKey);
    const knownKeyId = (meta.mask_key_id as string | null | undefined) ?? undefined;
    const isOfKey = keyMatcher({
      ...{ id, topic, column, cipher, valueFormat, keyFormat, knownKeyId },
      onUnopened: () =>
        log.warn('a quarantined message is encrypted, or looks so, and cannot be opened: its bytes are searched'),
    });
    if (dryRun) return await dryRunText(client, spec, key, isOfKey);
    open = opener(config, topic, spec, { key, keyHash: saltedHash(id), isOfKey });
  } finally {
    client.close();
  }
  const forgetting = await open();
  let text: string;
  try {
    logRemoved(log, forgetting.removed);
    text = await textOf(forgetting, config);
  } finally {
    await forgetting.close();
  }
  return text;
}

/** Opens what has it, which begins nothing yet. */
function opener(
  config: Config,
  topic: string,
  spec: TableSpec,
  what: Pick<ForgetOptions, 'key' | 'keyHash' | 'isOfKey'>,
): () => Promise<Forget | LakeForget> {
  const { kind, options } = sinkOptions({ ...config, kafka: { ...config.kafka, topic }, spec });
  if (kind === 'ducklake') return () => LakeForget.open({ ...options, ...what, state: undefined });
  const { compression } = options.compaction;
  return () => Forget.open({ ...options, ...what, compression });
}

function keyInTable(spec: TableSpec, id: string, maskKey: Uint8Array | undefined): string {
  if (roleColumn(spec, 'key')?.mask !== 'hmac') return id;
  if (maskKey === undefined) throw needsMaskKey('the keys of the table are masked');
  return createHmac('sha256', maskKey).update(id).digest('hex').slice(0, HMAC_DIGITS);
}

/** Who knows the key can tell that it was forgotten; who does not cannot look it up. */
function saltedHash(id: string): string {
  const salt = randomBytes(8).toString('hex');
  return `sha256:${salt}:${createHash('sha256').update(salt).update(id).digest('hex')}`;
}

async function dryRunText(client: SqlClient, spec: TableSpec, key: string, isOfKey: MessageTest): Promise<string> {
  const column = identifier(roleColumn(spec, 'key')!.name);
  const [{ rows }] = await allRows(
    client,
    `SELECT count(*)::DOUBLE AS rows FROM ${identifier(spec.table)} WHERE ${column} = ${literal(key)}`,
  );
  const messages = await searchQuarantine((sql) => allRows(client, sql), isOfKey);
  const places = messages
    .slice(0, MAX_LISTED)
    .map((place) => `  partition ${place.partition}, offset ${place.offset}\n`);
  if (messages.length > MAX_LISTED) places.push(`  and ${messages.length - MAX_LISTED} more\n`);
  const found = `${rows} rows of ${spec.table} and ${messages.length} messages in the quarantine are of the key`;
  return `${found}\n${places.join('')}a dry run: nothing was changed\n`;
}

async function textOf(forgetting: Forget | LakeForget, { dataDir, sink }: Config): Promise<string> {
  const { rows, others, quarantined, files } = await forgetting.run();
  const ofLake = sink === 'ducklake';
  const old = ofLake ? [] : readdirSync(dataDir).filter(isOldDatabase);
  const more = old.map((name) => `${name} is an older database, which still has what it had: remove it\n`);
  if (forgetting.hadState) {
    const how = ofLake
      ? 'empty; the next run merges it again'
      : 'removed: the next run with STATE=table makes it again';
    more.push(`the state, a table, was ${how}\n`);
  }
  const inFiles = ofLake ? '' : `${others} duplicates and old changes in files, `;
  const ids = forgetting instanceof LakeForget ? await forgetting.retiredIds() : 0;
  if (ids > 0) {
    more.push(
      `warning: sluice.retired still has the ids of ${ids} changes that left by their age. If ids have the key in ` +
        'them, as those of MongoDB have, what is older of this key is not forgotten\n',
    );
  }
  const anew = ofLake ? 'rewritten, and all older snapshots are gone' : 'and the database were written anew';
  return (
    `forgotten: ${rows} rows, ${inFiles}${quarantined} quarantined messages; ${files} files ${anew}\n${more.join('')}` +
    `Kafka has the messages until its retention ends, and so have copies of ${ofLake ? 'the lake' : 'DATA_DIR'}\n`
  );
}
