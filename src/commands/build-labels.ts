/** Which build of the program runs. */
import kafka from '@confluentinc/kafka-javascript';
import { programVersion } from '../assets.js';

/** The labels of `sluice_build_info` that do not depend on the configuration. */
export function buildLabels(): Readonly<Record<'version' | 'node' | 'librdkafka', string>> {
  return { version: programVersion(), node: process.versions.node, librdkafka: kafka.librdkafkaVersion };
}
