/** A sample of messages as JSON: of a file, or of a topic, through its schema registry if it has one. */
import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { SampledMessage } from '../kafka/topic-sample.js';
import { SCHEMA_HEADERS } from '../registry/frame.js';
import type { MessageFormat, MessagePart, RegistrySettings } from '../registry/settings.js';
import type { HintOf } from '../schema/field-hint.js';
import type { CommandContext } from './context.js';
import { type Message, MessageSplitter, TOO_LARGE } from './message-splitter.js';

/** JSON, or what cannot be read. */
export interface SampleMessage {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

export interface Sample {
  readonly messages: readonly SampleMessage[];
  /** Of the topic, or the file. */
  readonly name: string;
  /** What the newest schema of the values says of their fields. */
  readonly hintOf?: HintOf | undefined;
}

/**
 * The first messages of a file, one JSON per line and without keys, or of each partition of a topic.
 * @throws SluiceError SLUICE_CONFIG if there is none of this name; as `sampleTopic`; SLUICE_REGISTRY
 */
export async function sampleOf(
  source: string,
  limit: number,
  environment: CommandContext['environment'],
): Promise<Sample> {
  // A folder can have the name of a topic.
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() === false)
    return { messages: await fileSample(source, limit), name: basename(source, extname(source)) };
  if (/[^\w.-]|^\.\.?$/.test(source)) {
    throw new SluiceError('SLUICE_CONFIG', `there is no file ${source}, and no topic can have this name`);
  }
  const { config, log } = environment({ KAFKA_TOPIC: ['topic', source] });
  const { brokers, topic, properties } = config.kafka;
  const { sampleTopic } = await import('../kafka/topic-sample.js');
  const { registry } = config;
  const header = (part: MessagePart) => (formatOf(registry, part) === 'json' ? undefined : SCHEMA_HEADERS[part]);
  const prefixHeaders = { value: header('value'), key: header('key') };
  const options = { brokers, topic, properties, limit, prefixHeaders };
  const messages = await sampleTopic(options, log).catch((cause) => {
    if (!(cause instanceof SluiceError) || cause.code !== 'SLUICE_KAFKA_UNREACHABLE') throw cause;
    throw new SluiceError(cause.code, `there is no file ${source}, so it must be a topic: ${cause.message}`, { cause });
  });
  const { parts: keys } = await partsOf(messages, 'key', registry, log);
  const { parts: values, hintOf } = await partsOf(messages, 'value', registry, log);
  return { messages: values.map((value, index) => ({ key: keys[index], value })), name: topic, hintOf };
}

function formatOf({ keyFormat, valueFormat }: RegistrySettings, part: MessagePart): MessageFormat {
  return part === 'key' ? keyFormat : valueFormat;
}

/** Keys or values as JSON, and what the newest of their schemas says of their fields. */
async function partsOf(
  messages: readonly SampledMessage[],
  part: MessagePart,
  registry: RegistrySettings,
  log: Logger,
): Promise<{ parts: (Uint8Array | null)[]; hintOf?: HintOf | undefined }> {
  const all = messages.map((message) => message[part]);
  const format = formatOf(registry, part);
  if (format === 'json') return { parts: all };
  const { SchemaLookup } = await import('../registry/schema-lookup.js');
  const { sampleTexts } = await import('../registry/sample-texts.js');
  const { schemaHints } = await import('../registry/schema-hints.js');
  const lookup = new SchemaLookup(part, format, registry, log);
  try {
    const texts = await sampleTexts(all, format, lookup);
    const newest = lookup.schemas.findLast(({ text }) => text !== undefined);
    const parts = texts.map((text) => (text === null ? null : Buffer.from(text)));
    return { parts, hintOf: newest && schemaHints(format, newest.text!, newest.references) };
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
