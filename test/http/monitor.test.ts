import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import { type Health, Monitor } from '../../src/http/monitor.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { silent } from '../support/fakes.js';

let port: number;
let health: Health;
let refreshed: number;
let stop: AbortController;

beforeEach(async () => {
  port = await freePort();
  health = { problem: undefined, ready: true };
  refreshed = 0;
  stop = new AbortController();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

const open = (graceMs = 0) =>
  Monitor.open(
    { port, host: '127.0.0.1', token: undefined, open: [], graceMs, signal: stop.signal },
    { metrics: new Metrics(), health: () => health, refresh: () => void refreshed++ },
  );

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  return { status: response.status, text: await response.text() };
}

describe('Monitor', () => {
  it('shows metrics as they are now, health and readiness', async () => {
    const monitor = await open();
    onTestFinished(() => monitor.close(silent));
    expect((await get('/metrics')).text).toMatch(/^sluice_up 1$/m);
    expect(refreshed).toBe(1);
    expect(await get('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await get('/readyz?verbose')).toEqual({ status: 200, text: 'ready\n' });
    health = { problem: 'nothing moves', ready: false };
    expect(await get('/healthz')).toEqual({ status: 503, text: 'nothing moves\n' });
    expect((await get('/readyz')).status).toBe(503);
    expect(await get('/')).toEqual({ status: 404, text: 'try /metrics, /healthz or /readyz\n' });
  });

  it('shows a failure until the grace is over or a signal ends it', async () => {
    const monitor = await open(3_600_000);
    monitor.fail(new SluiceError('SLUICE_UNKNOWN_TOPIC', 'the topic was deleted'));
    const lines: string[] = [];
    const closed = monitor.close(pino({}, { write: (line) => lines.push(line) }));
    const logged = {
      code: 'SLUICE_UNKNOWN_TOPIC',
      msg: expect.stringMatching(/^the topic was deleted; metrics stay up/),
    };
    expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining(logged)]);
    const { text } = await get('/metrics');
    expect(text).toMatch(/^sluice_up 0$/m);
    expect(text).toMatch(/^sluice_errors_total\{code="SLUICE_UNKNOWN_TOPIC"\} 1$/m);
    expect(refreshed).toBe(0);
    expect(await get('/healthz')).toEqual({ status: 503, text: 'SLUICE_UNKNOWN_TOPIC: the topic was deleted\n' });
    expect((await get('/readyz')).status).toBe(503);
    stop.abort();
    await closed;
    await expect(get('/metrics')).rejects.toThrow();
  });

  it('does not stay if nothing failed, or the process is to stop anyway', async () => {
    await (await open(3_600_000)).close(silent);
    const stopping = await open(3_600_000);
    stop.abort();
    stopping.fail(new Error('a bug'));
    await stopping.close(silent);
    await expect(get('/metrics')).rejects.toThrow();
  });

  it('serves nothing on port 0, and says which variable has a port that is taken', async () => {
    const monitor = await open();
    onTestFinished(() => monitor.close(silent));
    await expect(open()).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: expect.stringMatching(/METRICS_PORT=\d+: cannot listen .*EADDRINUSE/),
    });
    port = 0;
    const none = await open(3_600_000);
    none.fail(new Error('a bug'));
    await none.close(silent);
  });
});
