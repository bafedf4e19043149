/** Which messages the kernel traps on: a bug of the kernel costs these messages, and not the run. */

/** The messages [from, to) of one of the chunks that are read. */
export interface Span {
  readonly chunk: number;
  readonly from: number;
  readonly to: number;
}

/** The kernel ended amid its work, by `unreachable` or an address out of bounds: its memory is of no use any more. */
export class KernelTrap extends Error {
  override readonly name = 'KernelTrap';

  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

/** As many messages of one batch are told apart; a kernel that traps on more is not fit for the topic. */
export const MAX_TRAPPING = 100;

/**
 * The messages that trap alone, in order; at most one more than MAX_TRAPPING.
 * @param traps whether the kernel, new each time, traps on these messages
 */
export function trappingMessages(spans: readonly Span[], traps: (spans: readonly Span[]) => boolean): Span[] {
  const found: Span[] = [];
  const open = [spans];
  for (let part = open.pop(); part !== undefined && found.length <= MAX_TRAPPING; part = open.pop()) {
    if (!traps(part)) continue;
    if (countOf(part) === 1) found.push(...part);
    else open.push(...halvesOf(part));
  }
  return found;
}

/** The spans without some of their messages, which are in order. */
export function without(spans: readonly Span[], messages: readonly Span[]): Span[] {
  return spans.flatMap(({ chunk, from, to }) => {
    const removed = messages.filter((message) => message.chunk === chunk);
    const starts = [from, ...removed.map((message) => message.to)];
    const ends = [...removed.map((message) => message.from), to];
    return notEmpty(starts.map((start, index) => ({ chunk, from: start, to: ends[index] })));
  });
}

/** The second half comes first: the other one is taken from the end. */
function halvesOf(spans: readonly Span[]): [Span[], Span[]] {
  let left = countOf(spans) >> 1;
  const first: Span[] = [];
  const second: Span[] = [];
  for (const { chunk, from, to } of spans) {
    const middle = Math.min(to, from + left);
    left -= middle - from;
    first.push({ chunk, from, to: middle });
    second.push({ chunk, from: middle, to });
  }
  return [notEmpty(second), notEmpty(first)];
}

function countOf(spans: readonly Span[]): number {
  return spans.reduce((count, { from, to }) => count + to - from, 0);
}

function notEmpty(spans: readonly Span[]): Span[] {
  return spans.filter(({ from, to }) => from < to);
}
