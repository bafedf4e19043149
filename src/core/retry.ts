/** Trying again what failed with an error that passes. */
import { SluiceError } from './errors.js';

/** Pauses before something is tried again; after the last it has failed, unless the error is worth more patience. */
export const RETRY_PAUSES_MS = [100, 300, 1000, 3000];
/** The pauses from then on. */
export const LONG_PAUSE_MS = 5000;

export interface RetryOptions {
  /** Told of each failure that is followed by a pause. */
  readonly onRetry?: (error: SluiceError, pauseMs: number) => void;
  /** Bounds the patience that errors ask for; default: nothing does. */
  readonly maxPatienceMs?: number;
  /** Once it is aborted, nothing is tried again. */
  readonly signal?: AbortSignal;
}

/** @param work called again after an error that is `retryable` */
export async function withRetries<T>(
  work: () => Promise<T>,
  { onRetry, maxPatienceMs = Number.POSITIVE_INFINITY, signal }: RetryOptions = {},
): Promise<T> {
  const startMs = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof SluiceError && thrown.retryable) || signal?.aborted) throw thrown;
      const isWorthIt = performance.now() - startMs < Math.min(thrown.patienceMs, maxPatienceMs);
      const pauseMs = RETRY_PAUSES_MS[attempt] ?? (isWorthIt ? LONG_PAUSE_MS : undefined);
      if (pauseMs === undefined) throw thrown;
      onRetry?.(thrown, pauseMs);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (signal?.aborted) throw thrown;
    }
  }
}
