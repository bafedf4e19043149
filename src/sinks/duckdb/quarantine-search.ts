/** Which messages of the quarantine are meant by what their bytes are, a page of bytes at a time; for any client. */
import { SluiceError } from '../../core/errors.js';

/** Of keys and values of a page: its last message may go beyond. */
const PAGE_BYTES = 32 << 20;
/** What a message of a page costs besides its bytes. */
const MESSAGE_BYTES = 1000;

export interface QuarantinePlace {
  readonly partition: number;
  readonly offset: number;
}

/** Whether a message is meant: its key and value as the quarantine has them, and its place. */
export type MessageTest = (key: Uint8Array | null, value: Uint8Array | null, place: QuarantinePlace) => boolean;

/** SQL: the pages, each of one partition. */
const PAGES = `WITH sizes AS (
    SELECT partition_id, message_offset,
      coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + ${MESSAGE_BYTES} AS bytes
    FROM sluice.quarantine),
  pages AS (
    SELECT partition_id, message_offset,
      (sum(bytes) OVER (PARTITION BY partition_id ORDER BY message_offset) - bytes) // ${PAGE_BYTES} AS page FROM sizes)
  SELECT partition_id, min(message_offset)::DOUBLE AS "first", max(message_offset)::DOUBLE AS "last"
  FROM pages GROUP BY partition_id, page ORDER BY partition_id, "first"`;

/**
 * @param all gives the rows of a query
 * @returns where they are, by partition and offset
 * @throws SluiceError what `isMeant` throws, with the place of the message
 */
export async function searchQuarantine(
  all: (sql: string) => Promise<Record<string, unknown>[]>,
  isMeant: MessageTest,
): Promise<QuarantinePlace[]> {
  const bytes = (hex: unknown) => (hex === null ? null : Buffer.from(String(hex), 'hex'));
  const found: QuarantinePlace[] = [];
  for (const { partition_id, first, last } of await all(PAGES)) {
    const messages = await all(
      `SELECT message_offset::DOUBLE AS message_offset, hex(key) AS key, hex(value) AS value FROM sluice.quarantine
       WHERE partition_id = ${partition_id} AND message_offset BETWEEN ${first} AND ${last} ORDER BY message_offset`,
    );
    for (const { message_offset, key, value } of messages) {
      const place = { partition: Number(partition_id), offset: Number(message_offset) };
      try {
        if (isMeant(bytes(key), bytes(value), place)) found.push(place);
      } catch (thrown) {
        if (!(thrown instanceof SluiceError)) throw thrown;
        const where = `partition ${place.partition}, offset ${place.offset}: ${thrown.message}`;
        throw new SluiceError(thrown.code, where, { cause: thrown });
      }
    }
  }
  return found;
}
