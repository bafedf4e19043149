/** How long MongoDB is waited for, and when it is asked again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoNetworkTimeoutError, MongoServerError } from 'mongodb';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';

const MAX_BACKOFF_MS = 10_000;
/** An election takes about twelve seconds; each try waits for a primary for ten. */
const MAX_TRIES = 6;

/**
 * Server errors that pass: a node that steps down, starts or ends, a cursor that went with it, a network behind it.
 * Source: https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
 */
const PASSING: ReadonlySet<number> = new Set([
  6, 7, 43, 64, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/** @throws MongoNetworkTimeoutError where there is no answer within this time */
export async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new MongoNetworkTimeoutError(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, overdue]);
  } finally {
    clearTimeout(timer);
  }
}

/** What comes within this time, else undefined: it may be waited for again. */
export async function within<T>(coming: Promise<T>, waitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, waitMs, undefined);
  });
  try {
    return await Promise.race([coming, over]);
  } finally {
    clearTimeout(timer);
  }
}

export function backoff(failures: number): number {
  return Math.min(MAX_BACKOFF_MS, 100 * 2 ** failures);
}

export interface Asking {
  /** What is asked for, in words. */
  readonly what: string;
  /** An answer that takes longer never comes. */
  readonly timeoutMs: number;
  readonly log: Logger;
  /** Told of each failure that may pass, before the next try. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Asks until there is an answer, a failure that does not pass, or one failure too many.
 * @throws SluiceError SLUICE_MONGODB
 */
export async function asked<T>(ask: () => Promise<T>, { what, timeoutMs, log, onFailure }: Asking): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await inTime(ask(), timeoutMs);
    } catch (thrown) {
      const error = thrown as Error;
      if (!passes(error) || ++failures === MAX_TRIES) {
        const message = `MongoDB does not give ${what}: ${error.message}`;
        throw new SluiceError('SLUICE_MONGODB', message, { cause: error });
      }
      onFailure(error);
      const backoffMs = backoff(failures);
      log.warn({ backoffMs }, `MongoDB: ${error.message}; asked for ${what} again`);
      await sleep(backoffMs);
    }
  }
}

function passes(error: Error): boolean {
  return !(error instanceof MongoServerError) || PASSING.has(Number(error.code));
}
