/** Reads V8's CPU profiles: where each thread spent its time. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lines and columns from 0. */
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  /** Ids of the node on top of the stack. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

export interface ThreadProfile {
  readonly thread: string;
  readonly functions: readonly { readonly name: string; readonly percent: number }[];
}

const HOTTEST = 10;

/** The ten functions with the most time of their own, for each profile of the folder. Idle time is left out. */
export function hottestFunctions(folder: string): ThreadProfile[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  return files.map((file) => {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    const micros = new Map<string, number>();
    for (const [index, id] of profile.samples.entries()) {
      const name = names.get(id)!;
      if (name !== '(idle)') micros.set(name, (micros.get(name) ?? 0) + profile.timeDeltas[index]);
    }
    const total = [...micros.values()].reduce((sum, value) => sum + value, 0);
    const functions = [...micros]
      .sort(([, a], [, b]) => b - a)
      .slice(0, HOTTEST)
      .map(([name, own]) => ({ name, percent: (100 * own) / total }));
    return { thread: `${threadOf(names)} (${(total / 1e6).toFixed(1)} s)`, functions };
  });
}

function nameOf({ functionName, url, lineNumber, columnNumber }: CallFrame): string {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const entry = sourceMapOf(url)?.findEntry(lineNumber, columnNumber);
  return entry !== undefined && 'originalSource' in entry
    ? `${name}  ${basename(entry.originalSource)}:${entry.originalLine + 1}`
    : `${name}  ${basename(url)}:${lineNumber + 1}`;
}

const sourceMaps = new Map<string, SourceMap | undefined>();

/** Of a compiled file; undefined for any other. */
function sourceMapOf(url: string): SourceMap | undefined {
  if (!sourceMaps.has(url)) {
    const file = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
    sourceMaps.set(url, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined);
  }
  return sourceMaps.get(url);
}

/** Tells threads by a module that only they run. */
function threadOf(names: ReadonlyMap<number, string>): string {
  const runs = (file: string) => [...names.values()].some((name) => name.includes(`  ${file}:`));
  if (runs('sink.ts')) return 'sink thread';
  return runs('kernel-instance.ts') ? 'worker' : 'main thread';
}
