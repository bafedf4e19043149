/** Apache Kafka's jars and a formatted, empty log folder: fetched and made once, kept in the project's cache. */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { folderOf } from '../server-process.js';

const execFileAsync = promisify(execFile);

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const CACHE = path.resolve(HERE, '../../../.cache');
const MAVEN_TIMEOUT_MS = 300_000;
const FORMAT_TIMEOUT_MS = 60_000;

export interface KafkaInstallation {
  /** What `java -cp` takes. */
  readonly classpath: string;
  /** A log folder as the storage tool leaves it: a broker starts on a copy, which saves a JVM start each. */
  readonly formattedLogs: string;
}

/** Says why no broker can be started here, undefined if one can. */
export function whyNoKafka(): string | undefined {
  const missing = ['java', 'mvn'].filter((command) => folderOf(command) === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} not found: a real broker needs Java 17 and Maven`;
}

/** The cached installation; the first call fetches about 54 MB through Maven. */
export async function installKafka(): Promise<KafkaInstallation> {
  const home = path.join(CACHE, `kafka-${await kafkaVersion()}`);
  const installation = { classpath: path.join(home, 'lib', '*'), formattedLogs: path.join(home, 'formatted') };
  if (await exists(home)) return installation;
  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(path.join(CACHE, 'kafka-unfinished-'));
  try {
    await fetchJars(path.join(HERE, 'pom.xml'), path.join(unfinished, 'lib'));
    await formatLogs(unfinished);
    await rename(unfinished, home);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another test process was faster: what it made is the same.
    if (!(await exists(home))) throw error;
  }
  return installation;
}

/** Of the broker, and of all that comes from the same project. */
export async function kafkaVersion(): Promise<string> {
  const version = /<kafka\.version>(.+)<\/kafka\.version>/.exec(await readFile(path.join(HERE, 'pom.xml'), 'utf8'));
  if (version === null) throw new Error('test/support/kafka/pom.xml does not name kafka.version');
  return version[1];
}

/** Fetches the jars that a pom.xml names into a folder. @param more of Maven's arguments: a profile, a property */
export async function fetchJars(pom: string, folder: string, more: readonly string[] = []): Promise<void> {
  const args = [
    ...['-q', '-B', '-f', pom, `-Dmaven.repo.local=${path.join(CACHE, 'm2')}`],
    ...['dependency:copy-dependencies', `-DoutputDirectory=${folder}`, '-DincludeScope=runtime'],
    ...more,
  ];
  await execFileAsync('mvn', args, { timeout: MAVEN_TIMEOUT_MS });
}

async function formatLogs(home: string): Promise<void> {
  const properties = path.join(home, 'format.properties');
  await writeFile(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      'controller.quorum.voters=1@127.0.0.1:1',
      'listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1',
      'controller.listener.names=CONTROLLER',
      `log.dirs=${path.join(home, 'formatted')}`,
    ].join('\n'),
  );
  const tool = ['-cp', path.join(home, 'lib', '*'), 'kafka.tools.StorageTool', 'format'];
  await execFileAsync('java', [...tool, '-t', 'AAAAAAAAQACAAAAAAAAAAQ', '-c', properties], {
    timeout: FORMAT_TIMEOUT_MS,
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
