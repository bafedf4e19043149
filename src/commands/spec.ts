/** `sluice spec`: table specs to start from, built in or inferred from a sample of messages. */
import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import type { SampledMessage } from '../kafka/topic-sample.js';
import { SCHEMA_HEADERS } from '../registry/frame.js';
import type { MessageFormat, MessagePart, RegistrySettings } from '../registry/settings.js';
import type { HintOf } from '../schema/field-hint.js';
import { inferSpec } from '../schema/infer.js';
import { loadSpec } from '../schema/load-spec.js';
import { PRESETS } from '../schema/presets.js';
import { presetText } from '../schema/spec-file.js';
import type { CommandContext } from './context.js';
import { type Message, MessageSplitter, TOO_LARGE } from './message-splitter.js';
import { LAKE_SECTIONS } from './open-sql.js';
import type { SampleMessage } from './spec-sample.js';
import { variablesHelp } from './variables-help.js';

interface SpecFlags {
  readonly list?: boolean;
  readonly preset?: string;
  readonly infer?: string;
  readonly diff?: string;
  /** True: without a sample. */
  readonly check?: string | true;
  readonly spec?: string;
  readonly sample: string;
  readonly last: string;
}

const CHOICES = '--list, --preset NAME, --infer TOPIC|FILE, --check [TOPIC|FILE] or --diff FILE';

export function addSpecCommand(program: Command, context: CommandContext): void {
  program
    .command('spec')
    .description(
      'print a table spec to edit, as JSON; explain one, or say how it differs from that of a data directory',
    )
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.kafka.pick({ brokers: true }),
        PROPERTIES_TEXT,
        SECTIONS.registry.omit({ unknownWaitMs: true }),
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.schema,
        SECTIONS.log,
      ),
    )
    .option('--list', 'the names of the presets, and what they are for')
    .option('--preset <name>', 'the whole spec of a preset; it is used as it is by TABLE_SPEC=preset:<name>')
    .option('--infer <topic|file>', 'a spec for the messages of a file, one JSON per line, or else of a topic')
    .option(
      '--check [topic|file]',
      'columns and types of a spec, and what becomes of a sample; exit code 1 if not all are rows',
    )
    .option('--spec <file>', 'of --check: the table spec; default: TABLE_SPEC, else the built-in orders spec')
    .option('--diff <file>', 'what a start with this spec changes in DATA_DIR; exit code 1 if it would be refused')
    .option('--sample <n>', 'of how many messages: the first of the file, or of each partition', '1000')
    .option('--last <n>', 'of --diff: in how many of the newest rows new columns are looked for', '1000')
    .action((flags: SpecFlags) => runSpec(flags, context));
}

async function runSpec({ list, preset, infer, check, diff, spec, ...texts }: SpecFlags, context: CommandContext) {
  const { environment, stdout, onFailure } = context;
  if ([list, preset, infer, check, diff].filter((given) => given !== undefined).length !== 1) {
    throw new SluiceError('SLUICE_CONFIG', `sluice spec needs ${CHOICES}`);
  }
  const limit = countOf('--sample', texts.sample);
  if (preset !== undefined) await stdout.write(`${presetText(preset)}\n`);
  else if (infer !== undefined) await stdout.write(`${await inferred(infer, limit, environment)}\n`);
  else if (diff !== undefined) {
    const { specDiff } = await import('./spec-diff.js');
    const { accepted, text } = await specDiff(environment().config, loadSpec(diff), countOf('--last', texts.last));
    await stdout.write(text);
    if (!accepted) onFailure();
  } else if (check !== undefined) {
    const { specCheck } = await import('./spec-check.js');
    const { config } = environment({ TABLE_SPEC: spec });
    const messages = check === true ? undefined : (await sampleOf(check, limit, environment)).messages;
    const { areAllRows, text } = specCheck(config.spec, messages, stdout.width, config.worker.highValueThreshold);
    await stdout.write(text);
    if (!areAllRows) onFailure();
  } else for (const [name, { comment }] of Object.entries(PRESETS)) await stdout.write(`${name}: ${comment}\n`);
}

function countOf(option: string, text: string): number {
  const size = Number(text);
  if (/^\d{1,6}$/.test(text) && size > 0) return size;
  throw new SluiceError('SLUICE_CONFIG', `${option} must be an integer from 1 to 999999, not ${text}`);
}

async function inferred(source: string, limit: number, environment: CommandContext['environment']): Promise<string> {
  const { messages, name, hintOf } = await sampleOf(source, limit, environment);
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
  return inferSpec(
    messages.map(({ key, value }) => ({ key: text(key), value: text(value) })),
    name,
    hintOf,
  );
}

interface Sample {
  readonly messages: SampleMessage[];
  /** Of the topic or file. */
  readonly name: string;
  readonly hintOf?: HintOf | undefined;
}

/** The first messages of a file, or of each partition of a topic, and what they are of. */
async function sampleOf(source: string, limit: number, environment: CommandContext['environment']): Promise<Sample> {
  // A folder can have the name of a topic.
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() === false)
    return { messages: await fileSample(source, limit), name: basename(source, extname(source)) };
  if (/[^\w.-]|^\.\.?$/.test(source)) {
    throw new SluiceError('SLUICE_CONFIG', `there is no file ${source}, and no topic can have this name`);
  }
  const { config, log } = environment({ KAFKA_TOPIC: source });
  const { brokers, topic, properties } = config.kafka;
  const { sampleTopic } = await import('../kafka/topic-sample.js');
  const { registry } = config;
  const header = (part: MessagePart) => (formatOf(registry, part) === 'json' ? undefined : SCHEMA_HEADERS[part]);
  const prefixHeaders = { value: header('value'), key: header('key') };
  const sampled = await sampleTopic({ brokers, topic, properties, limit, prefixHeaders }, log);
  const { texts: keys } = await decoded(sampled, 'key', registry, log);
  const { texts: values, hintOf } = await decoded(sampled, 'value', registry, log);
  return { messages: values.map((value, index) => ({ key: keys[index], value })), name: topic, hintOf };
}

function formatOf({ keyFormat, valueFormat }: RegistrySettings, part: MessagePart): MessageFormat {
  return part === 'key' ? keyFormat : valueFormat;
}

/** Keys or values without frames, and what the newest of their schemas says of their fields. */
async function decoded(
  messages: readonly SampledMessage[],
  part: MessagePart,
  registry: RegistrySettings,
  log: Logger,
): Promise<{ texts: (Uint8Array | null)[]; hintOf?: HintOf | undefined }> {
  const all = messages.map((message) => message[part]);
  const format = formatOf(registry, part);
  if (format === 'json') return { texts: all };
  const { SchemaLookup } = await import('../registry/schema-lookup.js');
  const { sampleTexts } = await import('../registry/sample-texts.js');
  const { schemaHints } = await import('../registry/schema-hints.js');
  const lookup = new SchemaLookup(part, format, registry, log);
  try {
    const texts = await sampleTexts(all, format, lookup);
    const newest = lookup.schemas.findLast(({ text }) => text !== undefined);
    return {
      texts: texts.map((text) => (text === null ? null : Buffer.from(text))),
      hintOf: newest && schemaHints(format, newest.text!, newest.references),
    };
  } finally {
    lookup.close();
  }
}

/** The first messages of a file as `sluice parse` reads it: without keys. */
async function fileSample(path: string, limit: number): Promise<SampleMessage[]> {
  const messages: SampleMessage[] = [];
  const splitter = new MessageSplitter('newline');
  const take = (message: Message) => {
    if (message === TOO_LARGE) throw new SluiceError('SLUICE_CONFIG', `${path} has a line of more than 128 MiB`);
    messages.push({ key: null, value: message });
  };
  const input = createReadStream(path) as AsyncIterable<Uint8Array>;
  try {
    for await (const bytes of input) {
      for (const message of splitter.push(bytes)) {
        take(message);
        if (messages.length === limit) return messages;
      }
    }
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    throw new SluiceError('SLUICE_CONFIG', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const rest = splitter.end();
  if (rest !== undefined) take(rest);
  return messages;
}
