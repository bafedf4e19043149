/**
 * What `sluice replay` asks of a sink: messages of the quarantine are rows now. A piece of them is one transaction.
 *
 * The process that has the kernel reads the messages and writes files with their rows; the one that has the sink takes
 * the piece, which crosses a socket as text if they are not the same.
 */
import type { BatchResult } from './flow.js';

/** A batch of the ledger as a worker reads some of its quarantined messages. */
export interface ReplayedBatch extends BatchResult {
  /** Offsets of the messages that leave the quarantine: rows, markers and tombstones. */
  readonly taken: readonly number[];
}

export interface ReplayPiece {
  /** Of the table spec that they were read with. */
  readonly specHash: string;
  /** Of one partition; at least one. Their files can go when the piece is taken. */
  readonly batches: readonly ReplayedBatch[];
}

/** What became of the messages of a piece. */
export interface ReplayOutcome {
  readonly merged: number;
  readonly duplicate: number;
  readonly marker: number;
  readonly tombstone: number;
}

export interface ReplayTarget {
  /**
   * Takes all messages of a piece out of the quarantine, in one transaction.
   * @returns undefined if some of them have left it since they were read: then nothing has changed
   * @throws SluiceError SLUICE_SPEC_CHANGED if the sink has another table spec; then nothing has changed, either
   */
  replay(piece: ReplayPiece): Promise<ReplayOutcome | undefined>;
}

const BEGINNING = '{"replay":';

/** Whether a request that begins so is one for a piece. */
export function isReplayRequest(beginning: string): boolean {
  return beginning.startsWith(BEGINNING);
}

/** A request for a piece as a line of JSON, in which wide integers are texts such as "42n". */
export function requestText(replay: ReplayPiece): string {
  return JSON.stringify({ replay }, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** @param text of any request; of another one than `requestText` made, there is no piece */
export function parseRequest(text: string): { readonly replay?: ReplayPiece } {
  if (!isReplayRequest(text)) return {};
  return JSON.parse(text, (_, value) =>
    typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  );
}
