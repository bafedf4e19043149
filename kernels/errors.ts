/** The position of the byte that makes a row unacceptable. */

/** Where the last failed check stopped: the first byte with which no valid row can continue. */
export let errorAt: usize = 0;

/** Stores where the input is not acceptable. @returns 0, the result of everything that failed */
export function failAt(p: usize): usize {
  errorAt = p;
  return 0;
}
