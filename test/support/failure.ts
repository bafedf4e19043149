import { SluiceError } from '../../src/core/errors.js';

/** What an action throws. @throws anything else than a SluiceError, or that nothing was thrown */
export function failureOf(action: () => unknown): SluiceError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}
