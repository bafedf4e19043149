/** What `sluice doctor` asks of Kafka. It joins no group, commits nothing, and makes no topic. */
import type { Config } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { KafkaSource } from '../kafka/kafka-source.js';
import type { SqlClient } from '../query/sql-client.js';
import { needsWholeTopic } from '../sinks/sink-client.js';
import { counted } from '../verify/check.js';
import { KAFKA_CHECKS, kafkaChecks } from '../verify/kafka.js';
import { type DoctorLine, type Finding, failure, lineOf } from './doctor-line.js';
import { sinkOptions } from './sink-options.js';

/** Broker, topic and consumer group. @returns the connected source, which the caller closes; undefined without one */
export async function* kafkaLines(config: Config, log: Logger): AsyncGenerator<DoctorLine, KafkaSource | undefined> {
  const { brokers } = config.kafka;
  const { KafkaSource } = await import('../kafka/kafka-source.js');
  let source: KafkaSource | undefined;
  try {
    source = new KafkaSource(config.kafka, log);
    await source.connect();
  } catch (thrown) {
    await source?.close();
    yield* notConnected(thrown, brokers);
    return undefined;
  }
  const connected = source;
  yield { check: 'broker', outcome: 'ok', text: `${brokers} answers` };
  yield await lineOf('topic', () => topicFinding(connected, config.kafka.topic));
  yield await lineOf('consumer group', () => groupFinding(connected, config));
  return source;
}

function* notConnected(thrown: unknown, brokers: string): Generator<DoctorLine> {
  const isTopic = thrown instanceof SluiceError && thrown.code === 'SLUICE_UNKNOWN_TOPIC';
  if (isTopic) yield { check: 'broker', outcome: 'ok', text: `${brokers} answers` };
  else yield { check: 'broker', ...failure(thrown) };
  const missing = `needs ${isTopic ? 'the topic' : 'a broker'}`;
  if (isTopic) yield { check: 'topic', ...failure(thrown) };
  else yield { check: 'topic', outcome: 'skip', text: missing };
  yield { check: 'consumer group', outcome: 'skip', text: missing };
}

/** Its policy and retention cannot be asked by this client; what they have deleted so far can be seen. */
async function topicFinding(source: KafkaSource, topic: string): Promise<Finding> {
  const count = await source.partitionCount();
  const ranges = await Promise.all(Array.from({ length: count }, (_, partition) => source.offsetRange(partition)));
  const offsets = ranges.reduce((sum, { low, high }) => sum + high - low, 0);
  const shortened = ranges.filter(({ low }) => low > 0).length;
  const gone = shortened === 0 ? '' : `; ${shortened} of them begin after offset 0: older messages are deleted already`;
  return { outcome: 'ok', text: `${topic} has ${counted(count, 'partition')}, ${counted(offsets, 'offset')}${gone}` };
}

async function groupFinding(source: KafkaSource, config: Config): Promise<Finding> {
  const { groupId, topic, instanceId } = config.kafka;
  const members = await source.groupMembers();
  const others = members.filter((member) => member.instanceId !== instanceId && member.partitions > 0);
  if (others.length === 0 || !needsWholeTopic(sinkOptions(config))) {
    return { outcome: 'ok', text: `${groupId} has ${counted(members.length, 'member')}` };
  }
  const [{ client, partitions }] = others;
  const text =
    `${groupId} has another member, ${client}, which reads ${counted(partitions, 'partition')} of ${topic}; a data ` +
    'directory needs all of them: stop that process, or set a KAFKA_GROUP_ID of its own';
  return { outcome: 'fail', code: 'SLUICE_PARTIAL_ASSIGNMENT', text };
}

/** The positions of a data directory against the topic: whether a start can continue there. */
export async function positionsFinding(client: SqlClient, source: KafkaSource, startFrom: string): Promise<Finding> {
  for await (const { name, problems } of kafkaChecks(client, source, startFrom)) {
    if (problems.length === 0) continue;
    const text = problems.join('; ');
    if (name === KAFKA_CHECKS.identity) {
      const remedy = 'point KAFKA_BROKERS and KAFKA_TOPIC back to the old one, or use another DATA_DIR';
      return { outcome: 'fail', code: 'SLUICE_TOPIC_CHANGED', text: `${text}: ${remedy}` };
    }
    if (name === KAFKA_CHECKS.range) {
      const remedy = 'if Kafka deleted what comes next, "sluice run --on-lost-offsets gap" continues with a gap';
      return { outcome: 'fail', code: 'SLUICE_OFFSET_OUT_OF_RANGE', text: `${text}: ${remedy}` };
    }
  }
  return { outcome: 'ok', text: 'the topic is the one of the data directory, and has what comes next' };
}
