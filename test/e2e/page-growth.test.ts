/** The page that stays open: what it keeps of a run is bounded. The clock is that of the snapshots. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { CDPSession, Page, Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openBrowser, whyNoBrowser } from '../support/browser.js';

const BUNDLE = new URL('../../dist/web/live/', import.meta.url);
const HOURS = 8;
const SNAPSHOTS = HOURS * 3600;
/** Of one connection; the page connects again after it. */
const PER_CONNECTION = 400;
/** By then all series are full. */
const FULL = 2000;
const PARTITIONS = 4;
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const ABOUT = {
  ...{ live: true, version: '1', topic: 'orders', dataDir: 'data', noTrying: null },
  spec: { table: 'cdc_orders', view: 'orders', columns: [] },
};
const COMMITS = { columns: ['committed (UTC)', 'messages'], types: ['VARCHAR', 'BIGINT'], isCut: false };

/** A run of a few thousand messages a second, after so many seconds. */
function snapshot(second: number): object {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    position: second * 300 + partition,
    lag: (second * (partition + 1)) % 1000,
    watermarkSeconds: 1_750_000_000 + second,
  }));
  const events = second * 3600 + (second % 7) * 100;
  const busy = (share: number) => second * share;
  return {
    atMs: (1_750_000_000 + second) * 1e3,
    ...{ problem: null, waitingFor: null, ready: true, lagAgeSeconds: 0.5, inFlightBatches: 2 },
    ...{
      events,
      bytes: events * 300,
      merged: events,
      duplicate: 0,
      quarantined: 0,
      commits: second,
      lag: second % 5000,
    },
    ...{ partitions, partitionCount: PARTITIONS, backpressureSeconds: 0 },
    latency: { bounds: [0.1, 0.5, 1], counts: [events * 0.6, events * 0.95, events, events] },
    stageSeconds: { idle: busy(0.2), consume: busy(0.3), kernel: busy(0.5), parquet: busy(0.7), merge: busy(0.1) },
  };
}

describe.skipIf(whyNoBrowser() !== undefined)('the page', () => {
  it(`does not grow over ${HOURS} hours of snapshots`, { timeout: 180_000 }, async () => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      let second = 0;
      let until = FULL;
      let goOn = () => {};
      const going = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      await page.route('**/*', async (route) => {
        if (new URL(route.request().url()).pathname !== '/api/events') return answer(route);
        if (second === FULL) await going;
        const upTo = Math.min(until, second + PER_CONNECTION);
        const events = Array.from(
          { length: upTo - second },
          (_, n) => `data: ${JSON.stringify(snapshot(second + n))}\n\n`,
        );
        second = upTo;
        return route.fulfill({ contentType: 'text/event-stream', body: `retry: 1\n\n${events.join('')}` });
      });
      await page.goto('http://page.invalid/');
      const session = await page.context().newCDPSession(page);
      await shown(page, FULL - 1);
      const full = await sizeOf(session);
      until = SNAPSHOTS;
      goOn();
      await shown(page, SNAPSHOTS - 1);
      const latency = page.locator('figure', { hasText: 'Latency of messages' }).locator('p');
      expect(await latency.textContent()).toMatch(
        /^Of 21\d,\d{3} messages half are within 100 ms, 90 % within 500 ms, 99 % within 1 s\.$/,
      );
      const last = await sizeOf(session);
      expect(last.nodes).toBeLessThanOrEqual(full.nodes * 1.1);
      expect(last.heapBytes).toBeLessThan(full.heapBytes + (2 << 20));
    } finally {
      await browser.close();
    }
  });
});

/** The bundle, and what its server says. */
function answer(route: Route): Promise<void> {
  const { pathname } = new URL(route.request().url());
  if (pathname === '/api/about') return route.fulfill({ json: ABOUT });
  if (pathname === '/api/query') return route.fulfill({ json: { ...COMMITS, rows: [['2025-06-15', 3600]] } });
  const name = pathname === '/' ? 'index.html' : pathname.slice(1);
  return route.fulfill({ contentType: TYPES[extname(name)], body: readFileSync(new URL(name, BUNDLE)) });
}

/** Waits until the page shows the snapshot of this second. */
async function shown(page: Page, second: number): Promise<void> {
  const position = (second * 300).toLocaleString('en-US');
  await page.getByRole('cell', { name: position, exact: true }).waitFor({ timeout: 120_000 });
}

/** Of what is left once the garbage is collected. */
async function sizeOf(session: CDPSession): Promise<{ nodes: number; heapBytes: number }> {
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { nodes: value('Nodes'), heapBytes: value('JSHeapUsedSize') };
}
