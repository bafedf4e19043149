/** When rows were first seen in DuckDB by another connection, and how long after their start that was. */
import { setTimeout as sleep } from 'node:timers/promises';
import { allRows, openSql } from '../src/query/sql-client.js';
import { count } from './harness.js';

const POLL_MS = 10;

/** When a partition's position was first seen at an offset. */
export interface Sighting {
  readonly nextOffset: number;
  /** Since the epoch. */
  readonly seenMs: number;
}

/** Milliseconds. */
export type Latencies = Record<'p50' | 'p95' | 'p99' | 'max', number>;

/**
 * Notes the positions of a running process until it has committed so many events. It asks every few milliseconds, so
 * sightings are late by up to that interval and never early.
 */
export async function watch(dataDir: string, events: number): Promise<Map<number, Sighting[]>> {
  const sightings = new Map<number, Sighting[]>();
  const client = await openSql(dataDir);
  // Offsets count transaction markers, too: how many events there were is in the ledger.
  const sql = `
    SELECT partition_id AS p, next_offset::INTEGER AS n, (SELECT sum(rows_consumed) FROM sluice.batches)::INTEGER AS c
    FROM sluice.positions`;
  for (let committed = 0; committed < events; await sleep(POLL_MS)) {
    const rows = await allRows(client, sql);
    const seenMs = Date.now();
    for (const { p, n, c } of rows) {
      committed = Number(c);
      const list = sightings.get(Number(p)) ?? [];
      sightings.set(Number(p), list);
      if (list.at(-1)?.nextOffset !== Number(n)) list.push({ nextOffset: Number(n), seenMs });
    }
  }
  client.close();
  return sightings;
}

/** When the position was first after the offset, milliseconds since the epoch: a binary search. */
export function seen(list: readonly Sighting[], offset: number): number {
  let [low, high] = [0, list.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].nextOffset > offset) high = middle;
    else low = middle + 1;
  }
  return list[low].seenMs;
}

/** Prints and returns the percentiles. @param milliseconds sorted */
export function report(rate: number, milliseconds: Float64Array): Latencies {
  const at = (share: number) =>
    milliseconds[Math.min(milliseconds.length - 1, Math.floor(milliseconds.length * share))];
  const figures = { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  const cells = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value)} ms`.padEnd(14));
  console.log(`${count(rate).padStart(9)} events/s   ${cells.join(' ')} (${count(milliseconds.length)} rows)`);
  return figures;
}
