/** Trying again what failed with an error that passes. */
import { SluiceError } from './errors.js';

/** Pauses before something is tried again; after the last it has failed, unless the error is worth more patience. */
export const RETRY_PAUSES_MS = [100, 300, 1000, 3000];
/** The pauses from then on. */
export const LONG_PAUSE_MS = 5000;

/**
 * @param work called again after an error that is `retryable`
 * @param onRetry told of each failure that is followed by a pause
 * @param maxPatienceMs bounds the patience that errors ask for
 */
export async function withRetries<T>(
  work: () => Promise<T>,
  onRetry: (error: SluiceError, pauseMs: number) => void = () => {},
  maxPatienceMs = Number.POSITIVE_INFINITY,
): Promise<T> {
  const startMs = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof SluiceError && thrown.retryable)) throw thrown;
      const isWorthIt = performance.now() - startMs < Math.min(thrown.patienceMs, maxPatienceMs);
      const pauseMs = RETRY_PAUSES_MS[attempt] ?? (isWorthIt ? LONG_PAUSE_MS : undefined);
      if (pauseMs === undefined) throw thrown;
      onRetry(thrown, pauseMs);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
