import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProgressLine } from '../../src/core/progress-line.js';

const CLEAR = '\r\u001b[K';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

function onTerminal(width?: number) {
  const written: string[] = [];
  const line = new ProgressLine({ writeLater: (text) => void written.push(String(text)), width });
  return { line, taken: () => written.splice(0) };
}

it('shows nothing of work that is over in two seconds', () => {
  const { line, taken } = onTerminal();
  const end = line.show({ text: () => 'working' });
  vi.advanceTimersByTime(1999);
  end();
  vi.advanceTimersByTime(60_000);
  expect(taken()).toEqual([]);
});

it('renews its line each second, and takes it away at the end', () => {
  const { line, taken } = onTerminal();
  let done = 0;
  const end = line.show({ text: () => `${++done} done` });
  vi.advanceTimersByTime(3000);
  expect(taken()).toEqual([`${CLEAR}1 done`, `${CLEAR}2 done`]);
  end();
  vi.advanceTimersByTime(60_000);
  expect(taken()).toEqual([CLEAR]);
});

it('gives way to what else is printed, once', () => {
  const { line, taken } = onTerminal();
  line.show({ text: () => 'working', quietMs: 500 });
  line.clear();
  expect(taken()).toEqual([]);
  vi.advanceTimersByTime(500);
  line.clear();
  line.clear();
  expect(taken()).toEqual([`${CLEAR}working`, CLEAR]);
  vi.advanceTimersByTime(1000);
  expect(taken()).toEqual([`${CLEAR}working`]);
});

it('fits its line into the terminal', () => {
  const { line, taken } = onTerminal(5);
  line.show({ text: () => 'working' });
  vi.advanceTimersByTime(2000);
  expect(taken()).toEqual([`${CLEAR}work`]);
});

it('reports in another way where no terminal is', () => {
  const line = new ProgressLine(undefined);
  const report = vi.fn();
  const text = vi.fn(() => '');
  const end = line.show({ text, elsewhere: { everyMs: 10_000, report } });
  line.show({ text });
  vi.advanceTimersByTime(20_000);
  end();
  vi.advanceTimersByTime(20_000);
  expect(report).toHaveBeenCalledTimes(2);
  expect(text).not.toHaveBeenCalled();
});
