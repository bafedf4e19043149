import { afterEach, expect, it, vi } from 'vitest';
import type { Logger } from '../../src/core/log.js';
import { ClientLog } from '../../src/kafka/client-log.js';

afterEach(() => vi.useRealTimers());

it('logs the first of equal messages, and counts the others on the next line', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const lines: string[] = [];
  const log = new ClientLog({ warn: (_: object, line: string) => lines.push(line) } as unknown as Logger);
  for (let times = 0; times < 181; times++) log.warn({ code: -195, message: 'down' });
  log.warn({ code: -195, message: 'other' });
  expect(lines).toEqual(['Kafka: down', 'Kafka: other']);
  vi.advanceTimersByTime(60_000);
  log.warn({ code: -195, message: 'down' });
  log.warn({ code: -195, message: 'other' });
  expect(lines.slice(2)).toEqual(['Kafka: down; 180 more of the same since the last line', 'Kafka: other']);
});
