/** What `sluice parse --stats` says of all messages together. */

import { STATUSES, type Status } from '../core/flow.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';

const LABEL_COLUMNS = 18;
const COUNT_COLUMNS = 16;

/** Counts what the kernel reads, and the time that it takes for that alone. */
export class ParseStats {
  readonly #counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  #bytes = 0;
  #rowsLearned = 0;
  #milliseconds = 0;

  /** @param milliseconds which the kernel took for it */
  add({ counts, rowsLearned }: KernelOutput, bytes: number, milliseconds: number): void {
    for (const status of STATUSES) this.#counts[status] += counts[status];
    this.#bytes += bytes;
    this.#rowsLearned += rowsLearned;
    this.#milliseconds += milliseconds;
  }

  /** A message that was too large to be kept. */
  addTooLarge(): void {
    this.#counts.too_large++;
  }

  /** A line per number. Statuses that no message has are left out. */
  text(): string {
    const rows = STATUSES.reduce((sum, status) => sum + this.#counts[status], 0);
    const share = (part: number) => (rows === 0 ? '' : `${((100 * part) / rows).toFixed(2).padStart(8)}%`);
    const line = (label: string, value: string, more = '') =>
      `${label.padEnd(LABEL_COLUMNS)}${value.padStart(COUNT_COLUMNS)}${more}\n`;
    const numberLine = (label: string, value: number) => line(label, value.toLocaleString('en-US'));
    const shareLine = (label: string, value: number) => line(label, value.toLocaleString('en-US'), share(value));
    const speed = this.#milliseconds === 0 ? 0 : this.#bytes / this.#milliseconds / 1e6;
    return [
      numberLine('messages', rows),
      numberLine('bytes', this.#bytes),
      ...STATUSES.filter((status) => this.#counts[status] > 0).map((status) => shareLine(status, this.#counts[status])),
      shareLine('learned', this.#rowsLearned),
      line('kernel', `${this.#milliseconds.toFixed(1)} ms`),
      line('speed', `${speed.toFixed(2)} GB/s`),
    ].join('');
  }
}
