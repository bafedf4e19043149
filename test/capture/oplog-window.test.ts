import { beforeEach, expect, it } from 'vitest';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import { OplogWindow } from '../../src/capture/oplog-window.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const hexTime = (seconds: number) => `${seconds.toString(16).padStart(8, '0')}00000001`;

let metrics: CaptureMetrics;
let warnings: string[];
let asked: number;
let oldestTime: () => Promise<string | undefined>;
let oplog: OplogWindow;

beforeEach(() => {
  metrics = new CaptureMetrics();
  warnings = [];
  asked = 0;
  oldestTime = async () => hexTime(Math.floor(Date.now() / 1e3) - 3600);
  const source = {
    name: 'shop.orders',
    oldestTime: () => {
      asked++;
      return oldestTime();
    },
  };
  oplog = new OplogWindow(source, metrics, { warn: (message: unknown) => void warnings.push(String(message)) });
});

const shown = async () => (await metrics.oplogWindow.get()).values.map(({ value }) => value);

it('shows how far back the oplog goes, and asks once a minute', async () => {
  expect(await shown()).toEqual([]);
  oplog.refresh(1000);
  oplog.refresh(1000);
  await turn();
  const [seconds] = await shown();
  expect(Math.abs(seconds - 3600)).toBeLessThan(60);
  oplog.refresh(60_000);
  expect(asked).toBe(1);
  oplog.refresh(61_000);
  expect(asked).toBe(2);
});

it('waits for an answer before it asks again', async () => {
  oldestTime = () => new Promise(() => {});
  oplog.refresh(1000);
  oplog.refresh(600_000);
  expect(asked).toBe(1);
});

it('shows nothing where the oplog cannot be read, and says so once', async () => {
  oplog.refresh(1000);
  await turn();
  oldestTime = async () => undefined;
  oplog.refresh(100_000);
  await turn();
  oldestTime = async () => Promise.reject(new Error('no primary'));
  oplog.refresh(200_000);
  await turn();
  expect(await shown()).toEqual([]);
  expect(warnings).toEqual([expect.stringMatching(/^shop\.orders: .* may not read local\.oplog\.rs$/)]);
});
