/**
 * A topic has the changes of one collection: a snapshot's markers make all orders vanish that it does not have, and the
 * ids of two collections could be the same. A source claims the topic with its first record.
 *
 * Two that claim at once exclude each other by the transactional id that their claims share: the later one fences the
 * earlier one, whose record is then never committed, or reads it. The id is that of the topic if it has no source, else
 * the id of the source that is replaced: this fences its capture too.
 */
import { assert, SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { Checkpoint } from './checkpoint.js';
import type { CheckpointReader, Checkpoints } from './checkpoint-reader.js';
import { type CapturedCollection, timeAfter } from './collection.js';
import type { CaptureMetrics } from './metrics.js';
import { type ProducerOptions, TransactionalProducer } from './producer.js';
import { GroupWriter, type WriterOptions } from './writer.js';

export interface ClaimOptions extends WriterOptions {
  readonly producer: Omit<ProducerOptions, 'transactionalId'>;
  /** The source, database.collection, that this one takes the topic from. */
  readonly replaces: string | undefined;
  readonly snapshot: 'initial' | 'never' | 'always';
}

export interface ClaimParts {
  readonly source: CapturedCollection;
  readonly checkpoints: Pick<CheckpointReader, 'read'>;
  readonly metrics: CaptureMetrics;
  readonly log: Logger;
}

/** All captures of this source and topic have this id: each fences the one before it. */
export function transactionalId(source: string, topic: string): string {
  return `${source}.${topic}`;
}

/** @throws SluiceError SLUICE_CONFIG if the topic has changes of other sources than may be replaced */
export function checkSole(
  { others }: Checkpoints,
  { topic, source, replaces }: Pick<ClaimOptions, 'topic' | 'source' | 'replaces'>,
): void {
  const strangers = others.filter((other) => other !== replaces);
  if (strangers.length === 0) return;
  throw new SluiceError(
    'SLUICE_CONFIG',
    `the topic ${topic} has the changes of ${strangers.join(' and ')}, this capture is of ${source}, and a topic has ` +
      `one collection: set another KAFKA_TOPIC; or, if ${source} takes the position of ${strangers[0]}, as after a ` +
      `rename, start "sluice capture --replaces ${strangers[0]}" once`,
  );
}

/**
 * Makes sure that the topic is this source's alone, and that it has a record: a new source, and one that replaces
 * another, begins with one that says where its stream starts, or that a snapshot was begun.
 * @param known of the checkpoint topic, read after former captures of the source were fenced
 * @throws SluiceError SLUICE_CONFIG if the topic has another source, SLUICE_FENCED if another claim was faster
 */
export async function claimed(known: Checkpoints, options: ClaimOptions, parts: ClaimParts): Promise<Checkpoint> {
  const { topic, replaces } = options;
  checkSole(known, options);
  if (known.record !== undefined && known.others.length === 0) return known.record;
  const replaced = known.others[0];
  const id = replaced === undefined ? claimId(topic) : transactionalId(replaced, topic);
  const producer = await TransactionalProducer.connect({ ...options.producer, transactionalId: id }, parts.log);
  try {
    const now = await parts.checkpoints.read('everything');
    checkSole(now, options);
    if (now.others[0] !== replaced) {
      throw new SluiceError('SLUICE_FENCED', `the topic ${topic} passed to or from ${replaces} meanwhile: start again`);
    }
    if (now.record !== undefined && replaced === undefined) return now.record;
    return await firstRecord(new GroupWriter(options, { ...parts, producer }, undefined), now.others, options, parts);
  } finally {
    await producer.close();
  }
}

/** Of a topic without a source. A source's id has no slash before its first dot: databases have none in their names. */
function claimId(topic: string): string {
  return `sluice-capture/${topic}`;
}

/** Writes it, and ends the sources that are replaced, whose orders vanish with the snapshot. */
async function firstRecord(
  writer: GroupWriter,
  replaced: readonly string[],
  { snapshot }: ClaimOptions,
  { source }: ClaimParts,
): Promise<Checkpoint> {
  const time = await source.operationTime();
  writer.addTombstones(replaced);
  if (snapshot === 'never' && replaced.length === 0) {
    await writer.write({ version: 1, token: null, clusterTime: timeAfter(time) });
  } else await writer.beginSnapshot(time);
  await writer.settled();
  const { record } = writer;
  assert(record !== undefined, 'what was written is known');
  return record;
}
