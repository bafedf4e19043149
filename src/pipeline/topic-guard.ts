/**
 * A topic is more than its name: one that was deleted and made again, or one of another cluster, has other messages at
 * the same offsets. The data directory knows the ids of the topic that it is filled from; here they are compared.
 */
import { SluiceError } from '../core/errors.js';
import type { KnownTopic, TopicIdentity } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import type { Sink } from '../core/sink.js';
import type { Source } from '../core/source.js';

export interface TopicGuardParts {
  readonly source: Pick<Source, 'identity' | 'partitionCount'>;
  readonly sink: Pick<Sink, 'setIdentity'>;
  readonly log: Logger;
}

/** Batches wait so long for brokers that do not answer; partitions that are revoked meanwhile cannot wait longer. */
const CONFIRM_TIMEOUT_MS = 1000;
const NONE: KnownTopic = { clusterId: undefined, topicId: undefined, firstPartitions: undefined };

export class TopicGuard {
  readonly #topic: string;
  readonly #parts: TopicGuardParts;
  #known = NONE;
  /** The last confirmation that was asked for, and the one of it that has not begun yet. */
  #last: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor(topic: string, parts: TopicGuardParts) {
    this.#topic = topic;
    this.#parts = parts;
  }

  /** Takes over what the sink knows. */
  restore(identity: KnownTopic): void {
    this.#known = identity;
  }

  /** How many partitions the topic had when it was first read; 0 before `check`. */
  get firstPartitions(): number {
    return this.#known.firstPartitions ?? 0;
  }

  /**
   * Compares the topic with the one of the data directory, which learns what it does not know yet.
   * @throws SluiceError SLUICE_TOPIC_CHANGED, SLUICE_UNKNOWN_TOPIC, SLUICE_KAFKA
   */
  async check(): Promise<void> {
    const found = await this.#parts.source.identity();
    this.#compare(found);
    const { clusterId = found.clusterId, topicId = found.topicId } = this.#known;
    // A broker that does not know the topic yet says that there are none.
    const { firstPartitions = (await this.#parts.source.partitionCount()) || undefined } = this.#known;
    const topic = { clusterId, topicId, firstPartitions };
    if (IDS.every((id) => topic[id] === this.#known[id]) && firstPartitions === this.#known.firstPartitions) return;
    this.#known = await this.#parts.sink.setIdentity(topic);
    // Another process may have said first what topic it is.
    this.#compare(found);
    this.#parts.log.info(this.#known, `from now on the data directory belongs to this topic ${this.#topic}`);
  }

  /**
   * Proves that what was read before this call is of the topic: ids do not come back, so a topic that has its id now
   * had it then. A request at a time, whatever number of batches waits for it. One that is not answered proves nothing,
   * and does not hold up what was read before the brokers went away; the next assignment or batch compares again.
   * @throws SluiceError SLUICE_TOPIC_CHANGED
   */
  confirm(): Promise<void> {
    if (this.#known.topicId === undefined) return Promise.resolve();
    if (this.#waiting === undefined) {
      this.#waiting = this.#last.then(() => {
        this.#waiting = undefined;
        return this.#confirmNow();
      });
      this.#last = this.#waiting.catch(() => {});
    }
    return this.#waiting;
  }

  async #confirmNow(): Promise<void> {
    let found: TopicIdentity;
    try {
      found = await this.#parts.source.identity(CONFIRM_TIMEOUT_MS);
    } catch (thrown) {
      this.#parts.log.debug({ error: (thrown as Error).message }, 'cannot read the id of the topic');
      return;
    }
    this.#compare(found);
  }

  #compare(found: TopicIdentity): void {
    const differing = IDS.filter((id) => {
      const known = this.#known[id];
      return known !== undefined && found[id] !== undefined && known !== found[id];
    });
    if (differing.length === 0) return;
    const ids = differing.map((id) => `its ${NAMES[id]} is ${found[id]}, not ${this.#known[id]}`).join(', and ');
    throw new SluiceError(
      'SLUICE_TOPIC_CHANGED',
      `${this.#topic} is not the topic that DATA_DIR is filled from: ${ids}. Nothing of it was committed. The data ` +
        'stays as it is, and readable with query. Give this topic a DATA_DIR of its own, or point KAFKA_BROKERS and ' +
        'KAFKA_TOPIC back to the old one',
    );
  }
}

const IDS = ['clusterId', 'topicId'] as const;
const NAMES = { clusterId: 'cluster id', topicId: 'topic id' } as const;
