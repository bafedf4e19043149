/**
 * Large changes. A server answers with documents of at most 16 MB, and a change with the documents before and after it
 * can be larger: the stage `$changeStreamSplitLargeEvent` cuts it into fragments, which are joined again here.
 *
 *   { _id: token 1, splitEvent: { fragment: 1, of: 2 }, operationType, documentKey, fullDocumentBeforeChange }
 *   { _id: token 2, splitEvent: { fragment: 2, of: 2 }, fullDocument }
 *
 * Each field of the event is in one fragment. The position after the change is the token of the last one; ChangeReader
 * continues there though the change may be cut otherwise by then.
 *
 * Source: https://www.mongodb.com/docs/manual/reference/operator/aggregation/changeStreamSplitLargeEvent/
 */
import { SluiceError } from '../core/errors.js';
import type { ChangeEvent, StreamedEvent } from './change-event.js';

/** How often the server may answer with nothing between two fragments. */
const MAX_EMPTY_READS = 100;

/** Whether a server has the stage: 6.0.9 and later of 6.0, and from 7.0 on. @param version as of `buildInfo` */
export function splitsLargeEvents([major = 0, minor = 0, patch = 0]: readonly number[]): boolean {
  return major >= 7 || (major === 6 && minor === 0 && patch >= 9);
}

/**
 * Reads one event, in as many reads as it has fragments.
 * @param read the next of the stream; null where there is none for now
 * @returns null where there is none for now
 * @throws SluiceError SLUICE_MONGODB where an event is begun and does not come to its end: to be read again from the
 *   position before it
 */
export async function readWhole(read: () => Promise<StreamedEvent | null>): Promise<ChangeEvent | null> {
  let part = await read();
  if (part?.splitEvent === undefined) return part;
  const { of } = part.splitEvent;
  let whole: ChangeEvent | undefined;
  for (let fragment = 1; ; fragment++) {
    const { splitEvent, operationType, ...fields }: StreamedEvent = part;
    if (splitEvent?.fragment !== fragment || splitEvent.of !== of) {
      const came = splitEvent === undefined ? 'a change' : `fragment ${splitEvent.fragment} of ${splitEvent.of}`;
      throw new SluiceError('SLUICE_MONGODB', `${came} came where fragment ${fragment} of ${of} of a change was due`);
    }
    whole = { ...whole, ...fields, operationType: operationType || (whole?.operationType ?? '') };
    if (fragment === of) return whole;
    part = await nextFragment(read, fragment, of);
  }
}

async function nextFragment(
  read: () => Promise<StreamedEvent | null>,
  fragment: number,
  of: number,
): Promise<StreamedEvent> {
  let cause: unknown;
  try {
    for (let reads = 0; reads < MAX_EMPTY_READS; reads++) {
      const part = await read();
      if (part !== null) return part;
    }
  } catch (thrown) {
    cause = thrown;
  }
  const why = cause instanceof Error ? cause.message : 'no more came';
  throw new SluiceError('SLUICE_MONGODB', `a change broke off after fragment ${fragment} of ${of}: ${why}`, { cause });
}
