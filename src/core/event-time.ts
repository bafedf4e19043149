/** Times come from producers, and one of them can be from the year 275760: the watermark must not follow it. */

/** How far an event may be ahead of its message in Kafka, as clocks differ; what is further ahead counts as so far. */
export const AHEAD_MS = 600_000;

/** The last time that JavaScript and the tables have, milliseconds since the epoch. */
export const MAX_MILLISECONDS = 8_640_000_000_000_000;

/** Whether a Kafka timestamp is a time: -1 says that there is none, and some producers count nanoseconds. */
export function isTime(milliseconds: number | bigint): boolean {
  return milliseconds >= 0 && milliseconds <= MAX_MILLISECONDS;
}
