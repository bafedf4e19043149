/** Values over time as bars of block characters, for a terminal. */

/** Eighths of a character, from below. */
const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * Lines from the top down, a character for each value.
 * @param values of 0 or more
 * @param height lines
 */
export function bars(values: readonly number[], height: number): string[] {
  const most = Math.max(...values, Number.MIN_VALUE);
  const eighths = values.map((value) => Math.round((value / most) * height * 8));
  return Array.from({ length: height }, (_, line) => {
    const below = (height - 1 - line) * 8;
    const cells = eighths.map((filled) => EIGHTHS[Math.min(8, Math.max(0, filled - below))]);
    return cells.join('').trimEnd();
  });
}

/** What was counted by when. */
export interface Sample {
  readonly seconds: number;
  /** So far. */
  readonly count: number;
}

/**
 * What had been counted at the end of each of `slots` equal parts of the time.
 * @param samples in order of time, at least one
 */
export function levels(samples: readonly Sample[], slots: number): number[] {
  const width = samples[samples.length - 1].seconds / slots;
  return Array.from(
    { length: slots },
    (_, slot) => samples.findLast(({ seconds }) => seconds <= (slot + 1) * width)?.count ?? 0,
  );
}
