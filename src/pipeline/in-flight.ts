/** Counts the batches that are between their dispatch and their staging. */
import type { InFlightBatch } from './partition.js';

export class InFlight {
  #batches = 0;
  #rows = 0;
  #bytes = 0;
  #waitingRows = 0;

  get batches(): number {
    return this.#batches;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Those that keep workers busy: a batch that waits for something keeps none. */
  get busyRows(): number {
    return this.#rows - this.#waitingRows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(batch: InFlightBatch): void {
    this.#count(batch, 1);
    if (batch.isWaiting) this.#waitingRows += batch.rows;
    const endWait = () => this.#endWait(batch);
    batch.wait?.over.then(endWait, endWait);
  }

  staged(batch: InFlightBatch): void {
    this.#count(batch, -1);
  }

  /** What waits ends. */
  drop(batches: readonly InFlightBatch[]): void {
    for (const batch of batches) {
      this.#count(batch, -1);
      this.#endWait(batch);
      batch.wait?.dropped.abort();
    }
  }

  #endWait(batch: InFlightBatch): void {
    if (batch.isWaiting) this.#waitingRows -= batch.rows;
    batch.isWaiting = false;
  }

  #count({ rows, bytes }: InFlightBatch, sign: 1 | -1): void {
    this.#batches += sign;
    this.#rows += sign * rows;
    this.#bytes += sign * bytes;
  }
}
