/** What a check of `sluice doctor` found out. */
import { SluiceError } from '../core/errors.js';

/**
 * - fail: `run` would refuse to start, or could not commit
 * - warn: it starts, and this is to be looked at
 * - skip: it cannot be asked, because of another check that failed
 */
export type Outcome = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  readonly outcome: Outcome;
  /** What was found; unless all is well, with what to do. One line. */
  readonly text: string;
  /** Of the error that a start would end with. */
  readonly code?: string;
}

/** A line of the output. */
export interface DoctorLine extends Finding {
  readonly check: string;
}

/** What a failed attempt says of a start. */
export function failure(thrown: unknown): Finding {
  const { message } = thrown as Error;
  const text = message.replace(/:\n\s*/, ': ').replace(/\s*\n\s*/g, '; ');
  return { outcome: 'fail', text, ...(thrown instanceof SluiceError && { code: thrown.code }) };
}

/** The line of a check that ends with a finding, or with an error. */
export async function lineOf(check: string, find: () => Promise<Finding> | Finding): Promise<DoctorLine> {
  try {
    return { check, ...(await find()) };
  } catch (thrown) {
    return { check, ...failure(thrown) };
  }
}
