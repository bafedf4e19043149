/** Timeouts of calls to MongoDB, and which failures are retried. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoNetworkTimeoutError, MongoServerError } from 'mongodb';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';

const MAX_BACKOFF_MS = 10_000;
/** An election takes about twelve seconds; each try waits for a primary for ten. */
const MAX_TRIES = 6;

/**
 * Codes of transient server errors: a node that steps down, starts or ends, a cursor lost with it, a network failure.
 * Source: https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
 */
const RETRYABLE_CODES: ReadonlySet<number> = new Set([
  6, 7, 43, 64, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/** Unauthorized and AuthenticationFailed. */
const REFUSED_CODES: ReadonlySet<number> = new Set([13, 18]);

/** @throws MongoNetworkTimeoutError if there is no answer within this time */
export async function withTimeout<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
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

/** The value if it arrives within this time, else undefined; the promise may be awaited again. */
export async function raceTimeout<T>(coming: Promise<T>, waitMs: number): Promise<T | undefined> {
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

export interface RetryOptions {
  /** What the call reads, in words. */
  readonly what: string;
  /** A call without an answer for this long has failed. */
  readonly timeoutMs: number;
  readonly log: Logger;
  /** Called after each transient failure, before the next attempt. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Calls until there is an answer, a permanent failure, or one transient failure too many.
 * @throws SluiceError SLUICE_MONGODB
 */
export async function withRetry<T>(
  ask: () => Promise<T>,
  { what, timeoutMs, log, onFailure }: RetryOptions,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await withTimeout(ask(), timeoutMs);
    } catch (thrown) {
      const error = thrown as Error;
      if (!isRetryable(error) || ++failures === MAX_TRIES) {
        const message = `MongoDB: ${what} cannot be read: ${error.message}`;
        throw new SluiceError('SLUICE_MONGODB', message, { cause: error });
      }
      onFailure(error);
      const backoffMs = backoff(failures);
      log.warn({ backoffMs }, `MongoDB: ${error.message}; retrying to read ${what}`);
      await sleep(backoffMs);
    }
  }
}

/** What a read of a stream or a snapshot ends with if the user may not read, or not anymore; undefined if it may. */
export function refusal(error: Error, name: string): SluiceError | undefined {
  // The code may be an object of its BSON type.
  if (!(error instanceof MongoServerError) || !REFUSED_CODES.has(Number(error.code))) return undefined;
  const message = `MongoDB: ${name} may not be read: ${error.message}; the user of MONGODB_URI needs the role read`;
  return new SluiceError('SLUICE_MONGODB', message, { cause: error });
}

function isRetryable(error: Error): boolean {
  return !(error instanceof MongoServerError) || RETRYABLE_CODES.has(Number(error.code));
}
