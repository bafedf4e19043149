import { MongoNetworkError, MongoServerError } from 'mongodb';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { refusal, withRetry } from '../../src/capture/retry.js';

/** Asks with these answers, one after another: an error is thrown, `undefined` is no answer at all. */
function asking(answers: readonly unknown[]) {
  const left = [...answers];
  const failures: string[] = [];
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line).msg) });
  const ask = async () => {
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? new Promise(() => {});
  };
  const onFailure = (error: Error) => void failures.push(error.name);
  return { answer: withRetry(ask, { what: 'the time', timeoutMs: 20, log, onFailure }), failures, warnings, left };
}

it('asks again if there is no answer or a passing failure, and reports each time', async () => {
  const stepDown = new MongoServerError({ message: 'not primary', code: 10107 });
  const { answer, failures, warnings } = asking([undefined, stepDown, new MongoNetworkError('closed'), 5]);
  expect(await answer).toBe(5);
  expect(failures).toEqual(['MongoNetworkTimeoutError', 'MongoServerError', 'MongoNetworkError']);
  expect(warnings.map((line) => line.replace(/^MongoDB: (.*);.*/, '$1'))).toEqual([
    'no answer within 20 ms',
    'not primary',
    'closed',
  ]);
});

it('does not ask again if the server refuses for good', async () => {
  const refusal = new MongoServerError({ message: 'not authorized', code: 13 });
  const { answer, failures, left } = asking([refusal, 5]);
  await expect(answer).rejects.toMatchObject({
    code: 'SLUICE_MONGODB',
    message: 'MongoDB: the time cannot be read: not authorized',
    cause: refusal,
  });
  expect([failures, left]).toEqual([[], [5]]);
});

it('gives up in the end', async () => {
  const { answer, warnings } = asking([]);
  await expect(answer).rejects.toMatchObject({
    code: 'SLUICE_MONGODB',
    message: expect.stringMatching(/no answer within 20 ms/),
  });
  expect(warnings).toHaveLength(5);
});

it('takes a user who may not read for what no other try changes', () => {
  const server = (code: number) => new MongoServerError({ message: 'no', code });
  expect([13, 18].map((code) => refusal(server(code), 'shop.orders')?.code)).toEqual([
    'SLUICE_MONGODB',
    'SLUICE_MONGODB',
  ]);
  expect([server(11600), new MongoNetworkError('closed')].map((error) => refusal(error, 'shop.orders'))).toEqual([
    undefined,
    undefined,
  ]);
});
