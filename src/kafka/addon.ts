/**
 * The native addon of the Kafka client: where it is, and what it can do. The client's JavaScript is in the bundle and
 * asks `loadAddon` for it (scripts/bundle.mjs); in tests, which run from src/, the installed client loads its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import client from '@confluentinc/kafka-javascript/package.json' with { type: 'json' };
import { PACKAGE_JSON } from '../assets.js';
import { SluiceError } from '../core/errors.js';
import type { MessageReader } from '../core/source.js';
import { NATIVE_METHOD } from './packed-reader.js';

export interface KafkaAddon {
  /** The reader that `auto` takes; undefined if there is no addon for this system. */
  readonly reader: MessageReader['kind'] | undefined;
  /** Version of librdkafka. */
  readonly librdkafka: string;
}

/** What of the addon is called directly. */
interface NativeClient {
  readonly KafkaConsumer: new (properties: object, topicProperties: object) => unknown;
}

/** Of the client whose JavaScript is bundled. */
export const LIBRDKAFKA_VERSION = client.librdkafka;

const CLIENT_MANIFEST = '@confluentinc/kafka-javascript/package.json';
/** Where the client's own build puts it. */
const COMPILED = join('build', 'Release', 'confluent-kafka-javascript.node');
/** npm installs the one whose C library is the system's. */
const LIBCS = process.platform === 'linux' ? ['-gnu', '-musl'] : [''];
const require = createRequire(import.meta.url);

/** What the Kafka client is. To load it takes longer than most commands, so its file is looked at. */
export function installedAddon(): KafkaAddon {
  const file = addonFile();
  return { reader: file === undefined ? undefined : compiledReader(file), librdkafka: client.librdkafka };
}

/** @throws SluiceError SLUICE_CONFIG if there is none for this system, or it does not load */
export function loadAddon(): NativeClient {
  const file = addonFile();
  const { platform, arch, version, versions } = process;
  const here = `${platform}-${arch}, Node ${version} (ABI ${versions.modules})`;
  const advice =
    `install it with optional dependencies, or beside it the client: npm install ${client.name}@${client.version}, ` +
    'which downloads or builds one (KAFKA_SOURCE is stock then)';
  if (file === undefined) {
    throw new SluiceError('SLUICE_CONFIG', `no Kafka addon for ${here} is installed: ${advice}`);
  }
  try {
    return require(file) as NativeClient;
  } catch (cause) {
    const { message } = cause as Error;
    throw new SluiceError('SLUICE_CONFIG', `the Kafka addon does not load on ${here}: ${message}; ${advice}`, {
      cause,
    });
  }
}

/** In a clone the one that set-up built; else the prebuilt one; else that of a client which is installed beside. */
function addonFile(): string | undefined {
  const cloned = join(dirname(fileURLToPath(PACKAGE_JSON)), 'node_modules', client.name, COMPILED);
  const prebuilt = LIBCS.map((libc) =>
    resolved(`@sluice-cdc/kafka-${process.platform}-${process.arch}${libc}/${process.versions.modules}.node`),
  );
  return [cloned, ...prebuilt, besideAddon()].find((file) => file !== undefined && existsSync(file));
}

/** The bundled JavaScript works with the addon of its own version. */
function besideAddon(): string | undefined {
  const manifest = resolved(CLIENT_MANIFEST);
  if (manifest === undefined) return undefined;
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return version === client.version ? join(dirname(manifest), COMPILED) : undefined;
}

function resolved(file: string): string | undefined {
  try {
    return require.resolve(file);
  } catch {
    return undefined;
  }
}

/** The addon registers the method under this name, which is in its file as it is. */
function compiledReader(file: string): KafkaAddon['reader'] {
  return readFileSync(file).includes(NATIVE_METHOD) ? 'packed' : 'stock';
}
