import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProgressLine } from '../../src/core/progress-line.js';
import { runProgress } from '../../src/pipeline/progress.js';
import type { PipelineStatus } from '../../src/pipeline/status.js';
import { newTotals } from '../../src/pipeline/totals.js';
import { silent } from '../support/fakes.js';

let totals: ReturnType<typeof newTotals>;
let lagAgeSeconds: number | undefined;
const status = () => ({ totals: { ...totals }, lag: 1234, lagAgeSeconds, inFlightBatches: 3 }) as PipelineStatus;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  totals = newTotals();
  lagAgeSeconds = undefined;
});
afterEach(() => void vi.useRealTimers());

/** Lets time pass, in which messages are read. */
function pass(seconds: number, events: number): void {
  totals.events += events;
  totals.merged += events;
  vi.advanceTimersByTime(seconds * 1000);
}

describe('the progress of a run', () => {
  it('is a log line each ten seconds, with the rate since the last one', () => {
    const lines: string[] = [];
    const log = pino({ base: undefined, timestamp: false }, { write: (line) => void lines.push(line) });
    const end = new ProgressLine(undefined).show(runProgress(status, log));
    pass(9, 1000);
    expect(lines).toEqual([]);
    pass(1, 500);
    lagAgeSeconds = 2.6;
    pass(10, 50);
    end();
    pass(60, 10);
    const [first, second, ...others] = lines.map((line) => JSON.parse(line));
    const both = { level: 30, msg: 'progress', quarantined: 0, lag: 1234, inFlightBatches: 3 };
    expect(first).toEqual({ ...both, events: 1500, eventsPerSecond: 150, merged: 1500 });
    expect(second).toEqual({ ...both, events: 1550, eventsPerSecond: 5, merged: 1550, lagAgeSeconds: 3 });
    expect(others).toEqual([]);
  });

  it('is a line on a terminal, with the rate since the last one', () => {
    const written: string[] = [];
    const terminal = { writeLater: (text: string) => void written.push(text), width: undefined };
    const end = new ProgressLine(terminal).show(runProgress(status, silent));
    pass(1, 400);
    pass(1, 600);
    lagAgeSeconds = 14.9;
    pass(1, 2000);
    lagAgeSeconds = 15;
    pass(1, 0);
    end();
    pass(10, 1);
    const clear = '\r\u001b[K';
    expect(written).toEqual([
      `${clear}1,000 events  500/s  1,000 merged  0 quarantined  lag 1,234  3 batches in flight`,
      `${clear}3,000 events  2,000/s  3,000 merged  0 quarantined  lag 1,234  3 batches in flight`,
      `${clear}3,000 events  0/s  3,000 merged  0 quarantined  lag 1,234 as of 15 s ago  3 batches in flight`,
      clear,
    ]);
  });
});
