import { expect, it, onTestFinished, vi } from 'vitest';
import { LogEnds } from '../../src/kafka/log-ends.js';

it('keeps the ends that brokers said last, and since when', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const startMs = performance.now();
  let answers = [new Map([[0, 10]]), new Map([[1, 20]]), undefined];
  const ends = new LogEnds(async () => {
    const answer = answers.shift();
    if (answer === undefined) throw new Error('no broker answers');
    return answer;
  });
  const asked: unknown[] = [];
  const ask = async () => {
    ends.refresh();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    asked.push([ends.endOf(0), ends.endOf(1), ends.asOfMs && ends.asOfMs - startMs]);
    vi.advanceTimersByTime(5000);
  };
  await ask();
  ends.watch([0, 1]);
  for (let times = 0; times < 4; times++) await ask();
  answers = [
    new Map([
      [0, 11],
      [1, 21],
    ]),
  ];
  await ask();
  expect(asked).toEqual([
    [undefined, undefined, undefined],
    [10, undefined, undefined],
    [10, 20, 5000],
    [10, 20, 5000],
    [10, 20, 5000],
    [11, 21, 25_000],
  ]);
});
