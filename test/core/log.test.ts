import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/core/log.js';

afterEach(() => vi.useRealTimers());

function started(format: 'json' | 'pretty' = 'json') {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format }, { write: (line: string) => lines.push(line) });
  const read = () => lines.map((line) => JSON.parse(line.replace(/"time":"[^"]*",/, '')) as object);
  return { log, lines, read };
}

describe('a log', () => {
  it('has the first of equal warnings at once, and after a minute how many came besides', () => {
    const { log, read } = started();
    for (let times = 0; times < 181; times++) log.warn({ code: -195, backoffMs: times }, 'Kafka: down');
    log.warn({ code: -195 }, 'Kafka: other');
    const first = { level: 40, code: -195, backoffMs: 0, msg: 'Kafka: down' };
    const other = { level: 40, code: -195, msg: 'Kafka: other' };
    expect(read()).toEqual([first, other]);
    vi.advanceTimersByTime(60_000);
    expect(read().slice(2)).toEqual([{ ...first, repeated: 180 }]);
    log.warn({ code: -195 }, 'Kafka: other');
    expect(read().slice(3)).toEqual([other]);
  });

  it('says what is counted when it is flushed, as at the end of the process', () => {
    const { log, read } = started();
    for (let times = 0; times < 3; times++) log.warn('down');
    log.flush();
    log.flush();
    expect(read()).toEqual([
      { level: 40, msg: 'down' },
      { level: 40, repeated: 2, msg: 'down' },
    ]);
  });

  it('tells warnings apart by what they are about, and counts nothing else', () => {
    const { log, read } = started();
    for (const partition of [0, 1]) log.warn({ partition }, 'lost');
    for (const message of ['same', 'same']) log.info(message);
    for (const message of ['same', 'same']) log.error(message);
    expect(read()).toHaveLength(6);
  });

  it('tells at most 100 apart, and loses no count', () => {
    const { log, read } = started();
    log.warn('first');
    log.warn('first');
    for (let each = 0; each < 100; each++) log.warn(`warning ${each}`);
    expect(read().filter((line) => 'repeated' in line)).toEqual([{ level: 40, repeated: 1, msg: 'first' }]);
  });

  it('is as easy to read when it is pretty', () => {
    const { log, lines } = started('pretty');
    for (let times = 0; times < 2; times++) log.warn({ code: 'SLUICE_SINK' }, 'down');
    log.flush();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/WARN.*: down\n.*code.*"SLUICE_SINK"\n.*repeated.*1\n/);
  });
});
