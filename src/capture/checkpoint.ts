/**
 * Where a capture stands: records in the compacted topic `<topic>.tokens`, one key for each source, written in the same
 * transaction as the messages before it. A topic has the changes of one source: a tombstone ends one.
 */
import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { z } from 'zod';
import { SluiceError } from '../core/errors.js';
import type { MessageCipher } from '../schema/mask-key.js';
import type { OutgoingMessage } from './producer.js';

const { ERRORS } = kafka.CODES;
const TIMEOUT_MS = 30_000;

const HEX_TIME = z.string().regex(/^[0-9A-F]{16}$/);

const checkpointSchema = z.object({
  version: z.literal(1),
  /** The `_data` of the resume token after the last message; null before the first. */
  token: z.string().nullable(),
  /** Seconds and increment, 16 hex digits: the first time to read if there is neither token nor snapshot. */
  clusterTime: HEX_TIME,
  /** A snapshot that was begun: its time, and the canonical extended JSON of the last `_id` it has. */
  snapshot: z.object({ time: HEX_TIME, lastId: z.string().nullable(), done: z.boolean() }).optional(),
  /** Changes between these times were lost, and it was decided to continue without them. */
  gap: z.object({ from: HEX_TIME, to: HEX_TIME }).optional(),
});

export type Checkpoint = z.infer<typeof checkpointSchema>;

/** How a capture that masks keeps positions. */
export interface Sealing {
  readonly cipher: MessageCipher;
  /** Of what it masks: `maskDigests`. */
  readonly digests: readonly string[];
}

/** Of a capture that masks: tokens have the `_id` of documents. */
const sealedSchema = z.object({
  version: z.literal(2),
  /** The record, encrypted, as base64. */
  sealed: z.base64(),
});

/**
 * In each record: the source was the only one of the topic when it began. Nothing before such a record matters, so the
 * topic is read no further back. Versions that let several sources write one topic did not write it.
 */
const SOLE = { sole: true } as const;

/**
 * A topic that keeps little more than the newest record of each key: `segment.*` because only segments that are closed
 * are compacted.
 */
export const CHECKPOINT_TOPIC_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.bytes': `${4 << 20}`,
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '0.1',
} as const;

export function checkpointTopic(topic: string): string {
  return `${topic}.tokens`;
}

/** Of a snapshot that has everything up to `lastId`. */
export function snapshotCheckpoint(time: string, lastId: string | null, done: boolean): Checkpoint {
  return { version: 1, token: null, clusterTime: time, snapshot: { time, lastId, done } };
}

/**
 * What stores where a source stands.
 * @param topic of the messages
 * @param sealing of a capture that masks
 */
export function checkpointMessage(
  topic: string,
  source: string,
  record: Checkpoint,
  sealing?: Sealing,
): OutgoingMessage {
  const stored = sealing === undefined ? record : { version: 2, sealed: sealedRecord(record, topic, sealing) };
  const value = Buffer.from(JSON.stringify({ ...stored, ...SOLE }));
  return { topic: checkpointTopic(topic), partition: 0, key: source, value };
}

function sealedRecord(record: Checkpoint, topic: string, { cipher, digests }: Sealing): string {
  const text = JSON.stringify({ ...record, masks: digests });
  return Buffer.from(cipher.seal(Buffer.from(text), topic)).toString('base64');
}

/** What ends a source. @param topic of the messages */
export function tombstoneMessage(topic: string, source: string): OutgoingMessage {
  return { topic: checkpointTopic(topic), partition: 0, key: source, value: null };
}

/** Whether the topic had no other source when this record was written. */
export function isSole(text: string): boolean {
  return (jsonIn(text) as Partial<typeof SOLE> | null | undefined)?.sole === true;
}

/** Whether the record is of a capture that masks. */
export function isMasked(text: string): boolean {
  return sealedSchema.safeParse(jsonIn(text)).success;
}

/**
 * @param topic of the messages
 * @throws SluiceError SLUICE_KAFKA if this version cannot read it, SLUICE_CONFIG if it was encrypted with another key,
 * or something was masked then that is not, or otherwise, now
 */
export function parseCheckpoint(text: string, topic: string, sealing?: Sealing): Checkpoint {
  const sealed = sealing && sealedSchema.safeParse(jsonIn(text)).data?.sealed;
  const opened = sealed === undefined ? text : openedRecord(sealed, topic, sealing?.cipher);
  if (sealing !== undefined) checkMasksKept(opened, topic, sealing);
  try {
    return checkpointSchema.parse(JSON.parse(opened));
  } catch (cause) {
    const name = checkpointTopic(topic);
    const message = `the last record of ${name} is not one of this version: ${text}; use the version that wrote it`;
    throw new SluiceError('SLUICE_KAFKA', message, { cause });
  }
}

/** Earlier versions did not write what they masked. */
function checkMasksKept(opened: string, topic: string, { digests }: Sealing): void {
  const { masks = [] } = (jsonIn(opened) ?? {}) as { readonly masks?: readonly string[] };
  const lost = masks.filter((digest) => !digests.includes(digest)).length;
  if (lost === 0) return;
  throw new SluiceError(
    'SLUICE_CONFIG',
    `TABLE_SPEC lacks ${lost} of the ${masks.length} masks that the topic ${topic} was written with, or has others ` +
      'of their fields: put them back, or set another KAFKA_TOPIC. More masks can come at any time',
  );
}

function openedRecord(sealed: string, topic: string, cipher: MessageCipher | undefined): string {
  try {
    return Buffer.from(cipher?.open(Buffer.from(sealed, 'base64'), topic) ?? []).toString();
  } catch (cause) {
    const message = `the topic ${topic} was masked with another key: MASK_KEY_FILE must name the one of then`;
    throw new SluiceError('SLUICE_CONFIG', message, { cause });
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes topics that are not there yet: one partition each. @throws SluiceError SLUICE_KAFKA */
export async function createTopics(
  { brokers, properties }: { readonly brokers: string; readonly properties: Readonly<Record<string, string>> },
  topics: readonly { name: string; config: Readonly<Record<string, string>> }[],
): Promise<void> {
  const admin = kafka.AdminClient.create({ ...properties, 'bootstrap.servers': brokers } as never);
  try {
    for (const { name, config } of topics) {
      const topic = { topic: name, num_partitions: 1, replication_factor: -1, config: { ...config } };
      await new Promise<void>((resolve, reject) => {
        admin.createTopic(topic, TIMEOUT_MS, (error: LibrdKafkaError) =>
          error && error.code !== ERRORS.ERR_TOPIC_ALREADY_EXISTS ? reject(error) : resolve(),
        );
      });
    }
  } catch (cause) {
    throw new SluiceError('SLUICE_KAFKA', `a topic of the capture cannot be made: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    admin.disconnect();
  }
}
