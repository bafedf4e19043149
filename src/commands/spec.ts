/** `sluice spec`: table specs to start from, built in or inferred from a sample of messages. */
import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import type { SampledMessage } from '../kafka/topic-sample.js';
import { SCHEMA_HEADERS } from '../registry/frame.js';
import type { MessageFormat, MessagePart, RegistrySettings } from '../registry/settings.js';
import type { HintOf } from '../schema/field-hint.js';
import { inferSpec, type RawMessage } from '../schema/infer.js';
import { PRESETS } from '../schema/presets.js';
import { presetText } from '../schema/spec-file.js';
import type { CommandContext } from './context.js';
import { variablesHelp } from './variables-help.js';

interface SpecFlags {
  readonly list?: boolean;
  readonly preset?: string;
  readonly infer?: string;
  readonly sample: string;
}

export function addSpecCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('spec')
    .description('print a table spec to edit, as JSON')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.kafka.pick({ brokers: true }),
        PROPERTIES_TEXT,
        SECTIONS.registry.omit({ unknownWaitMs: true }),
        SECTIONS.log,
      ),
    )
    .option('--list', 'the names of the presets, and what they are for')
    .option('--preset <name>', 'the whole spec of a preset; it is used as it is by TABLE_SPEC=preset:<name>')
    .option('--infer <topic|file>', 'a spec for the messages of a file, one JSON per line, or else of a topic')
    .option('--sample <n>', 'of how many messages: the first of the file, or of each partition', '1000')
    .action(async ({ list = false, preset, infer, sample }: SpecFlags) => {
      if ([list || undefined, preset, infer].filter((given) => given !== undefined).length !== 1) {
        throw new SluiceError('SLUICE_CONFIG', 'sluice spec needs --list, --preset NAME or --infer TOPIC|FILE');
      }
      if (preset !== undefined) return await stdout.write(`${presetText(preset)}\n`);
      if (infer !== undefined) return await stdout.write(`${await inferred(infer, sampleSize(sample), environment)}\n`);
      for (const [name, { comment }] of Object.entries(PRESETS)) await stdout.write(`${name}: ${comment}\n`);
    });
}

function sampleSize(text: string): number {
  const size = Number(text);
  if (/^\d{1,6}$/.test(text) && size > 0) return size;
  throw new SluiceError('SLUICE_CONFIG', `--sample must be an integer from 1 to 999999, not ${text}`);
}

async function inferred(source: string, limit: number, environment: CommandContext['environment']): Promise<string> {
  // A folder can have the name of a topic.
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() === false)
    return inferSpec(await fileSample(source, limit), basename(source, extname(source)));
  if (/[^\w.-]|^\.\.?$/.test(source)) {
    throw new SluiceError('SLUICE_CONFIG', `there is no file ${source}, and no topic can have this name`);
  }
  const { config, log } = environment({ KAFKA_TOPIC: source });
  const { brokers, topic, properties } = config.kafka;
  const { sampleTopic } = await import('../kafka/topic-sample.js');
  const { registry } = config;
  const header = (part: MessagePart) => (formatOf(registry, part) === 'json' ? undefined : SCHEMA_HEADERS[part]);
  const prefixHeaders = { value: header('value'), key: header('key') };
  const messages = await sampleTopic({ brokers, topic, properties, limit, prefixHeaders }, log);
  const { texts: keys } = await textsOf(messages, 'key', registry, log);
  const { texts: values, hintOf } = await textsOf(messages, 'value', registry, log);
  const sample = values.map((value, index) => ({ key: keys[index], value }));
  return inferSpec(sample, topic, hintOf);
}

function formatOf({ keyFormat, valueFormat }: RegistrySettings, part: MessagePart): MessageFormat {
  return part === 'key' ? keyFormat : valueFormat;
}

/** Keys or values as text, and what the newest of their schemas says of their fields. */
async function textsOf(
  messages: readonly SampledMessage[],
  part: MessagePart,
  registry: RegistrySettings,
  log: Logger,
): Promise<{ texts: (string | null)[]; hintOf?: HintOf | undefined }> {
  const all = messages.map((message) => message[part]);
  const format = formatOf(registry, part);
  if (format === 'json') return { texts: all.map((bytes) => bytes?.toString() ?? null) };
  const { SchemaLookup } = await import('../registry/schema-lookup.js');
  const { sampleTexts } = await import('../registry/sample-texts.js');
  const { schemaHints } = await import('../registry/schema-hints.js');
  const lookup = new SchemaLookup(part, format, registry, log);
  try {
    const texts = await sampleTexts(all, format, lookup);
    const newest = lookup.schemas.findLast(({ text }) => text !== undefined);
    return { texts, hintOf: newest && schemaHints(format, newest.text!, newest.references) };
  } finally {
    lookup.close();
  }
}

/** The first messages of a file as `sluice parse` reads it: without keys. */
async function fileSample(path: string, limit: number): Promise<RawMessage[]> {
  const messages: RawMessage[] = [];
  const input = createReadStream(path);
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() !== '') messages.push({ key: null, value: line });
      if (messages.length === limit) break;
    }
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  } finally {
    input.destroy();
  }
  return messages;
}
