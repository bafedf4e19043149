/** `sluice capture`: a collection's changes into the topic that `sluice run` reads. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from '../capture/capture.js';
import { CHECKPOINT_TOPIC_CONFIG, checkpointTopic, createTopics } from '../capture/checkpoint.js';
import { CheckpointReader } from '../capture/checkpoint-reader.js';
import { checkSole, claimed, transactionalId } from '../capture/claim.js';
import { CapturedCollection } from '../capture/collection.js';
import { captureMasks } from '../capture/masks.js';
import { CaptureMetrics } from '../capture/metrics.js';
import { OplogWindow } from '../capture/oplog-window.js';
import { TRANSACTION_TIMEOUT_MS, TransactionalProducer } from '../capture/producer.js';
import { captureProgress } from '../capture/progress.js';
import { GroupWriter, oversizeTopic } from '../capture/writer.js';
import type { Config } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { ProgressLine } from '../core/progress-line.js';
import { Monitor } from '../http/monitor.js';
import { buildLabels } from './build-labels.js';
import type { Choices } from './capture.js';

/**
 * Captures until it is stopped.
 * @throws SluiceError after everything was shut down
 */
export async function capture(
  config: Config,
  log: Logger,
  choices: Choices,
  { signal, progress }: { signal: AbortSignal; progress: ProgressLine },
): Promise<void> {
  const { brokers, topic, properties } = config.kafka;
  const { uri, database, collection, maxMessageBytes } = config.capture;
  const masks = captureMasks({ ...config, ...config.capture }, log);
  const metrics = new CaptureMetrics();
  metrics.build.set(buildLabels(), 1);
  const source = await CapturedCollection.connect({ uri, database, collection }, log);
  let checkpoints: CheckpointReader | undefined;
  let producer: TransactionalProducer | undefined;
  let monitor: Monitor | undefined;
  let following: Capture | undefined;
  const endProgress = progress.show(captureProgress(() => following, metrics));
  const work = async () => {
    await checkImages(config, source, log);
    const options = { ...config.capture, replaces: undefined, ...choices, topic, source: source.name, masks };
    const stallTimeoutMs = 2 * Number(properties['transaction.timeout.ms'] ?? TRANSACTION_TIMEOUT_MS);
    checkpoints = await CheckpointReader.connect(
      { brokers, topic, source: source.name, properties, stallTimeoutMs, masks },
      log,
    );
    // Before anything is fenced or written.
    checkSole(await checkpoints.read('committed'), options);
    const producerOptions = { brokers, maxMessageBytes, properties };
    const id = transactionalId(source.name, topic);
    producer = await TransactionalProducer.connect({ ...producerOptions, transactionalId: id }, log);
    // One that does not exist ends it before topics are made for it.
    await producer.partitionCount(topic);
    await createTopics({ brokers, properties }, [
      { name: checkpointTopic(topic), config: CHECKPOINT_TOPIC_CONFIG },
      { name: oversizeTopic(topic), config: {} },
    ]);
    const known = await checkpoints.read('everything');
    const claimOptions = { ...options, producer: producerOptions };
    const record = await claimed(known, claimOptions, { source, checkpoints, metrics, log });
    await checkpoints.close();
    checkpoints = undefined;
    const writer = new GroupWriter(options, { producer, metrics, log }, record);
    const made = new Capture(options, { source, writer, metrics, log });
    following = made;
    const health = () => ({ problem: made.problem(), ready: true });
    const oplog = new OplogWindow(source, metrics, log);
    monitor = await Monitor.open(
      { ...config.metrics, ...config.http, signal },
      { metrics, health, refresh: () => oplog.refresh() },
    );
    await made.run();
  };
  try {
    await Promise.race([work(), graceOver(signal, () => following, config.shutdownGraceMs, log)]);
  } catch (thrown) {
    monitor?.fail(thrown);
    throw thrown;
  } finally {
    endProgress();
    await Promise.allSettled([checkpoints?.close(), producer?.close(), source.close()]);
    await monitor?.close(log);
  }
}

/**
 * Stops the capture at the signal, and gives it so long to commit. Before it follows the stream it has nothing to
 * commit, and may be waiting for transactions of others: then this is over at once.
 */
async function graceOver(
  signal: AbortSignal,
  following: () => Capture | undefined,
  graceMs: number,
  log: Logger,
): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  const running = following();
  if (running === undefined) return;
  running.stop();
  await sleep(graceMs, undefined, { ref: false });
  log.warn('the grace period is over: what is in flight is dropped and will be captured again');
}

/**
 * Documents as they were before and after a change, which some settings need. An order id that is not the `_id` is in
 * no delete event: it must be read from the document before.
 */
async function checkImages(
  { capture: { orderIdPath, fullDocument } }: Config,
  source: CapturedCollection,
  log: Logger,
) {
  if ((orderIdPath === undefined && fullDocument === 'updateLookup') || (await source.keepsImages())) return;
  const [, ...collection] = source.name.split('.');
  const lack = `${source.name} does not keep documents as they were before and after a change`;
  const remedy =
    `run db.runCommand({ collMod: ${JSON.stringify(collection.join('.'))}, ` +
    'changeStreamPreAndPostImages: { enabled: true } })';
  if (orderIdPath !== undefined) {
    const message = `ORDER_ID_PATH=${orderIdPath}: ${lack}, without which a deleted order never vanishes; ${remedy}`;
    throw new SluiceError('SLUICE_CONFIG', message);
  }
  if (fullDocument === 'required') throw new SluiceError('SLUICE_CONFIG', `FULL_DOCUMENT=required: ${lack}; ${remedy}`);
  log.warn(`FULL_DOCUMENT=${fullDocument}: ${lack}: they are looked up as they are when the change is read; ${remedy}`);
}
