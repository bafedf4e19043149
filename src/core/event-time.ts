/** Event times come from producers, and one of them can be from the year 275760: the watermark must not follow it. */

/** How far an event may be ahead of its message in Kafka, as clocks differ; what is further ahead counts as so far. */
export const AHEAD_MS = 600_000;
