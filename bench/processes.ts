/**
 * A lake with its catalog in Postgres, filled by one process and by several of one group: broker, Postgres and all
 * processes are on this machine.
 *
 *   npm run bench:processes -- --processes 1,2 --events 2000000 --rounds 3 [--workers 1] [--json FILE]
 *
 * Rounds run in turn. A rate is of all events, from the start of the first process to the end of the last; CPU time
 * and peak memory are the sums over the processes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../test/support/postgres-server.js';
import { describe, load, machine, type Outcome, runSluice, withBroker, writeResults } from './harness.js';

const { values: flags } = parseArgs({
  options: {
    processes: { type: 'string', default: '1,2' },
    events: { type: 'string', default: '2000000' },
    partitions: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
    workers: { type: 'string' },
    kafka: { type: 'string' },
    json: { type: 'string' },
  },
});
const EVENTS = Number(flags.events);

/** One lake, filled by so many processes. */
async function fill(bootstrap: string, topic: string, processes: number, dsn: string): Promise<Outcome> {
  const dataPath = mkdtempSync(join(tmpdir(), 'sluice-bench-lake-'));
  const env = {
    SINK: 'ducklake',
    LAKE_CATALOG: `postgres:${dsn}`,
    LAKE_DATA_PATH: dataPath,
    KAFKA_GROUP_ID: `${topic}-${Date.now()}`,
    ...(flags.workers === undefined ? {} : { WORKERS: flags.workers }),
  };
  const startMs = performance.now();
  try {
    const outcomes = await Promise.all(Array.from({ length: processes }, () => runSluice(bootstrap, topic, env)));
    const seconds = (performance.now() - startMs) / 1e3;
    // What is read of a partition that moves is read again by its new owner, and committed once.
    const committed = outcomes.map((of) => of.merged + of.duplicate + of.quarantined + of.tombstone);
    const events = sum(committed);
    if (events !== EVENTS) throw new Error(`${processes} processes committed ${events} events, not ${EVENTS}`);
    const [cpuSeconds, peakRssMiB] = [sum(outcomes.map((o) => o.cpuSeconds)), sum(outcomes.map((o) => o.peakRssMiB))];
    console.log(`  ${committed.map((count) => `${count} events`).join(', ')}`);
    return { events, seconds, cpuSeconds, peakRssMiB };
  } finally {
    rmSync(dataPath, { recursive: true, force: true });
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

await withBroker(flags.kafka, async (bootstrap) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-postgres-'));
  // As a catalog is run: a commit is durable.
  const postgres = await startPostgres(folder, { settings: { fsync: 'on', full_page_writes: 'on' } });
  try {
    const topic = await load(bootstrap, Number(flags.partitions), 'medium', { count: EVENTS });
    console.log(machine());
    const counts = flags.processes.split(',').map(Number);
    const outcomes = new Map(counts.map((processes): [number, Outcome[]] => [processes, []]));
    for (let round = 0; round < Number(flags.rounds); round++) {
      for (const processes of counts) {
        outcomes.get(processes)!.push(await fill(bootstrap, topic, processes, await postgres.createDatabase()));
      }
    }
    for (const [processes, of] of outcomes)
      console.log(describe(processes === 1 ? '1 process' : `${processes} processes`, of));
    writeResults(flags.json, 'processes', Object.fromEntries(outcomes));
  } finally {
    await postgres.quit();
    rmSync(folder, { recursive: true, force: true });
  }
});
