/** What a program and all that it starts takes, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** CPU and memory of a process and all its descendants. The last figures of a process that has ended are kept. */
export class ProcessTree {
  readonly #cpuSeconds = new Map<number, number>();
  peakRssMiB = 0;

  constructor(readonly root: number) {}

  get cpuSeconds(): number {
    return [...this.#cpuSeconds.values()].reduce((sum, seconds) => sum + seconds, 0);
  }

  sample(): void {
    const children = new Map<number, number[]>();
    const stats = new Map<number, { cpu: number; rss: number }>();
    for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const fields = statOf(Number(entry));
      if (fields === undefined) continue;
      const [parent, user, system, pages] = [fields[1], fields[11], fields[12], fields[21]].map(Number);
      stats.set(Number(entry), { cpu: (user + system) / TICKS_PER_SECOND, rss: pages * PAGE_BYTES });
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    }
    let rss = 0;
    for (const queue = [this.root]; queue.length > 0; ) {
      const pid = queue.pop()!;
      const stat = stats.get(pid);
      if (stat === undefined) continue;
      this.#cpuSeconds.set(pid, stat.cpu);
      rss += stat.rss;
      queue.push(...(children.get(pid) ?? []));
    }
    this.peakRssMiB = Math.max(this.peakRssMiB, Math.round(rss / 2 ** 20));
  }
}

/** The fields of /proc/PID/stat from the state on. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
