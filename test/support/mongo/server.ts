/** A one-node replica set on MongoDB's wire protocol for tests; what it cannot do is in ReplicaSet.java. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CACHE, fetchJars } from '../kafka/jars.js';

const execFileAsync = promisify(execFile);
const HERE = path.dirname(fileURLToPath(import.meta.url));
const JVM_FLAGS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export interface ReplicaSet {
  readonly uri: string;
  /** As a crash; everything is gone with it. */
  kill(): Promise<void>;
}

/** Whether the replica set of TEST_MONGODB_URI is one of secantus.ts, which says what it cannot do. */
export const IS_SECANTUS = process.env.TEST_MONGODB_KIND === 'secantus';

/** The replica set that TEST_MONGODB_URI names, or one of its own if that is not set. */
export async function replicaSet(): Promise<ReplicaSet> {
  const uri = process.env.TEST_MONGODB_URI;
  return uri === undefined ? await startReplicaSet() : { uri, async kill() {} };
}

/**
 * Starts one on a free port of the loopback.
 * @param historyEvents how many changes a stream can go back
 * @param version what the server says it is; from 7 on, it splits large events
 * @param splitBytes which events are large
 * @param showsOplog whether clients may read the oldest entry of the oplog
 */
export async function startReplicaSet({
  historyEvents = 200_000,
  version = 5,
  splitBytes = 16 << 20,
  showsOplog = false,
  port = 0,
} = {}): Promise<ReplicaSet> {
  const classpath = await install();
  const limits = [`-Doplog.keep=${historyEvents}`, `-Dserver.version=${version}`, `-Dsplit.bytes=${splitBytes}`];
  const flags = [...JVM_FLAGS, ...limits, `-Doplog.readable=${showsOplog}`, '-cp', classpath];
  const jvm = spawn('java', [...flags, 'ReplicaSet', `${port}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  const uri = await readyLine(jvm);
  return {
    uri,
    async kill() {
      if (jvm.exitCode !== null || jvm.signalCode !== null) return;
      const exited = once(jvm, 'exit');
      jvm.kill('SIGKILL');
      await exited;
    },
  };
}

async function readyLine(jvm: ChildProcess): Promise<string> {
  for await (const line of createInterface(jvm.stdout!)) {
    const uri = /^READY (\S+)/.exec(line)?.[1];
    if (uri !== undefined) return uri;
  }
  throw new Error('the replica set for tests did not start');
}

/** @returns what `java -cp` takes; fetched and compiled once per version of the sources */
async function install(): Promise<string> {
  const sources = (await readdir(HERE)).filter((name) => /\.java$|\.xml$/.test(name)).sort();
  const texts = await Promise.all(sources.map((name) => readFile(path.join(HERE, name))));
  const home = path.join(
    CACHE,
    `mongo-${createHash('sha256').update(Buffer.concat(texts)).digest('hex').slice(0, 12)}`,
  );
  const classpath = [path.join(home, 'classes'), path.join(home, 'lib', '*')].join(path.delimiter);
  if (await exists(home)) return classpath;
  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(path.join(CACHE, 'mongo-unfinished-'));
  try {
    const lib = path.join(unfinished, 'lib');
    await fetchJars(path.join(HERE, 'pom.xml'), lib);
    const java = sources.filter((name) => name.endsWith('.java')).map((name) => path.join(HERE, name));
    const out = path.join(unfinished, 'classes');
    await execFileAsync('javac', ['--release', '17', '-cp', path.join(lib, '*'), '-d', out, ...java]);
    await rename(unfinished, home);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(home))) throw error;
  }
  return classpath;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
