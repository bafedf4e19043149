/** Whether rows may take the speculative path, and how many of them may be learned. */
import { HEADER } from './abi';
import { clearGraph } from './graph';

/** Rows that may be learned at first, and more of them per chunk: learning costs as much as reading ten rows. */
const FIRST_ROWS: u32 = 256;
const ROWS_PER_CHUNK: u32 = 8;
/** Chunks without the speculative path after one in which it was of no use: twice as many each time. */
const PAUSE: u32 = 15;
const MAX_PAUSE: u32 = 240;
/** So many rows say whether it is of use. */
const MIN_ROWS: u32 = 256;

let budget: u32 = 0;
let pause: u32 = 0;
let nextPause: u32 = PAUSE;
let rows: u32 = 0;
let misses: u32 = 0;
let cleared: bool = false;

/** Whether the rows of the next chunk try the speculative path: not if too few of the last one could. */
export function startChunk(): bool {
  if (!load<u32>(HEADER.learning)) return false;
  if (!cleared || pause == 1) {
    clearGraph();
    cleared = true;
    budget = FIRST_ROWS;
  }
  if (pause > 0) pause--;
  else if (rows >= MIN_ROWS) {
    if (misses > rows / 2) {
      pause = nextPause;
      nextPause = min(2 * nextPause, MAX_PAUSE);
    } else nextPause = PAUSE;
    rows = 0;
    misses = 0;
  }
  budget = min(budget + ROWS_PER_CHUNK, FIRST_ROWS);
  return pause == 0;
}

/** Counts rows that tried the speculative path. */
@inline
export function countRows(count: u32): void {
  rows += count;
}

/** Counts a row that the graph did not know. */
@inline
export function countMiss(): void {
  misses++;
}

/** Takes a row of those that may be learned. @returns whether there was one left */
@inline
export function takeFromBudget(): bool {
  if (budget == 0) return false;
  budget--;
  return true;
}
