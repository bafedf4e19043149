/** What the installed Kafka client is, found out without loading it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { MessageReader } from '../core/source.js';
import { NATIVE_METHOD } from './packed-reader.js';

export interface KafkaAddon {
  /** The reader that `auto` takes; undefined if the addon was neither compiled nor downloaded. */
  readonly reader: MessageReader['kind'] | undefined;
  /** Version of librdkafka. */
  readonly librdkafka: string;
}

/** The client that is installed: to load it takes longer than most commands, so its files are looked at. */
export function installedAddon(): KafkaAddon {
  const manifest = createRequire(import.meta.url).resolve('@confluentinc/kafka-javascript/package.json');
  const { librdkafka } = JSON.parse(readFileSync(manifest, 'utf8')) as { librdkafka: string };
  const file = join(dirname(manifest), 'build', 'Release', 'confluent-kafka-javascript.node');
  return { reader: compiledReader(file), librdkafka };
}

/** The addon registers the method under this name, which is in its file as it is. */
function compiledReader(file: string): KafkaAddon['reader'] {
  try {
    return readFileSync(file).includes(NATIVE_METHOD) ? 'packed' : 'stock';
  } catch {
    return undefined;
  }
}
