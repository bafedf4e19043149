import { describe, expect, it } from 'vitest';
import { RunningQueries } from '../../src/query/running-queries.js';

/** A query that lasts until it is told to end, and takes its time to do so. */
function lasting(log: string[], name: string) {
  const ending = new AbortController();
  const task = async () => {
    log.push(`${name} starts`);
    await new Promise((resolve) => ending.signal.addEventListener('abort', resolve));
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`${name} ends`);
    throw ending.signal.reason;
  };
  return { ending, task };
}

describe('RunningQueries', () => {
  it('ends all that run before the work that must be alone, and starts the next ones after it', async () => {
    const queries = new RunningQueries();
    const log: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => lasting(log, name));
    const ended = [a, b].map(({ ending, task }) => queries.run(ending, task).catch((error: Error) => error.message));
    const last = queries.run(new AbortController(), async () => void log.push('c'));
    await queries.alone(async () => void log.push(`work, ${queries.any ? 'not ' : ''}alone`));
    await last;
    expect(log).toEqual(['a starts', 'b starts', 'a ends', 'b ends', 'work, alone', 'c']);
    for (const message of await Promise.all(ended)) expect(message).toMatch(/commits need the memory/);
  });

  it('is closed when the last one has ended, and starts none then', async () => {
    const queries = new RunningQueries();
    const log: string[] = [];
    const { ending, task } = lasting(log, 'a');
    const ended = queries.run(ending, task).catch(() => {});
    await queries.close();
    expect(log).toEqual(['a starts', 'a ends']);
    await ended;
    void queries.run(new AbortController(), async () => void log.push('b'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toHaveLength(2);
  });
});
