/** What the brokers call a topic, asked over the connections of a consumer. */
import kafka, {
  type GroupDescriptions,
  type IAdminClient,
  type KafkaConsumer,
  type LibrdKafkaError,
  type ListOffsetsResult,
  type TopicDescription,
} from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';
import type { TopicIdentity } from '../core/flow.js';
import { called } from './client.js';

const { IsolationLevel, OffsetSpec } = kafka;

/** What brokers that do not have topic ids send, and librdkafka for a topic that it does not know. */
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** What native/ adds to a consumer's native object; an addon as it was downloaded lacks it. */
interface WithClusterId {
  clusterId?(timeoutMs: number): string | undefined;
}

/** A member of a consumer group. */
export interface GroupMemberInfo {
  /** `<client.id>/<address>`. */
  readonly client: string;
  /** Of a static member. */
  readonly instanceId: string | undefined;
  /** How many partitions of the topic it reads. */
  readonly partitions: number;
}

export class TopicAdmin {
  readonly #consumer: KafkaConsumer;
  readonly #topic: string;
  readonly #client: IAdminClient;
  readonly #pending = new Set<Promise<unknown>>();

  /**
   * @param consumer one that is connected, and has no call under way: the admin client begins with a copy of its lock,
   * which nobody would open again if it were closed
   */
  constructor(consumer: KafkaConsumer, topic: string) {
    this.#consumer = consumer;
    this.#topic = topic;
    this.#client = kafka.AdminClient.createFrom(consumer);
  }

  /**
   * @throws SluiceError SLUICE_UNKNOWN_TOPIC, SLUICE_KAFKA
   */
  async identity(timeoutMs: number): Promise<TopicIdentity> {
    const described = this.#describe(timeoutMs);
    this.#pending.add(described);
    try {
      const topicId = (await described).topicId as unknown as { base64: string };
      // Without a wait: it came with the metadata of the connection.
      const { _client: native } = this.#consumer as unknown as { _client: WithClusterId };
      const id = topicId.base64.replace(/=+$/, '');
      return { clusterId: native.clusterId?.(0), topicId: id === NO_ID ? undefined : id };
    } finally {
      this.#pending.delete(described);
    }
  }

  /**
   * Where the logs of these partitions end: with transactions, at the last stable offset. Those whose leader does not
   * answer are left out.
   * @throws LibrdKafkaError if nobody answers
   */
  async ends(partitions: readonly number[], timeoutMs: number): Promise<Map<number, number>> {
    const asked = partitions.map((partition) => ({ topic: this.#topic, partition, offset: OffsetSpec.LATEST }));
    const options = { timeout: timeoutMs, isolationLevel: IsolationLevel.READ_COMMITTED };
    const listed = called<ListOffsetsResult[]>((done) => this.#client.listOffsets(asked, options, done));
    this.#pending.add(listed);
    try {
      // While no broker answers, the client gives the offset -1001, now and then without an error.
      const answers = (await listed).filter(({ error, offset }) => error === undefined && offset >= 0);
      return new Map(answers.map(({ partition, offset }) => [partition, offset]));
    } finally {
      this.#pending.delete(listed);
    }
  }

  /**
   * Who is in a consumer group now; nobody if there is no such group. Nothing is joined.
   * @throws SluiceError SLUICE_KAFKA
   */
  async groupMembers(groupId: string, timeoutMs: number): Promise<GroupMemberInfo[]> {
    const described = called<GroupDescriptions>((done) =>
      this.#client.describeGroups([groupId], { timeout: timeoutMs }, done),
    );
    this.#pending.add(described);
    try {
      const [group] = (await described).groups;
      if (group.error !== undefined) throw group.error;
      return group.members.map(({ clientId, clientHost, groupInstanceId, assignment }) => ({
        client: `${clientId}${clientHost}`,
        instanceId: groupInstanceId,
        partitions: assignment.topicPartitions.filter(({ topic }) => topic === this.#topic).length,
      }));
    } catch (cause) {
      const what = `cannot read the members of the group ${groupId}`;
      throw new SluiceError('SLUICE_KAFKA', `${what}: ${(cause as Error).message}`, { cause });
    } finally {
      this.#pending.delete(described);
    }
  }

  /** When no request is under way any more: the consumer must not be closed before. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  async #describe(timeoutMs: number): Promise<TopicDescription> {
    const topic = this.#topic;
    let description: TopicDescription;
    try {
      [description] = await new Promise<TopicDescription[]>((resolve, reject) => {
        const done = (error: LibrdKafkaError | null, found: TopicDescription[]) =>
          error ? reject(error) : resolve(found);
        this.#client.describeTopics([topic], { timeout: timeoutMs }, done);
      });
    } catch (cause) {
      throw new SluiceError('SLUICE_KAFKA', `cannot read the id of ${topic}: ${(cause as Error).message}`, { cause });
    }
    const { error } = description;
    if (error === undefined) return description;
    if (error.code === kafka.CODES.ERRORS.ERR_UNKNOWN_TOPIC_OR_PART) {
      throw new SluiceError('SLUICE_UNKNOWN_TOPIC', `the topic ${topic} no longer exists: ${error.message}`);
    }
    throw new SluiceError('SLUICE_KAFKA', `cannot read the id of ${topic}: ${error.message}`, { cause: error });
  }
}
