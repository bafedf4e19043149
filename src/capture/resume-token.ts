/**
 * Resume tokens: positions in a change stream. Those of MongoDB sort as their changes came, and tell the cluster time:
 *
 *   82 · seconds, 8 hex digits · increment, 8 hex digits · …      upper case
 *
 *   … · 00 · 04                       a change, the values of which end with what identifies it, an object: 00
 *   … · 00 · 29 · 04                  the first fragment of one (split-event.ts)
 *   … · 00 · 2B · number · 04         another one; its number, from 0, is doubled
 *
 * Of those of other servers with MongoDB's protocol nothing is known but that a stream continues after them. There the
 * changes' cluster times tell what came first; the changes of one transaction have the same one.
 *
 * Source: https://github.com/mongodb/mongo/blob/master/src/mongo/db/pipeline/resume_token.cpp, and of the values
 * https://github.com/mongodb/mongo/blob/master/src/mongo/db/storage/key_string/key_string.cpp
 */
import type { ChangeEvent } from './change-event.js';
import type { Checkpoint } from './checkpoint.js';

const MONGODB = /^82([0-9A-F]{16})/;
const FRAGMENT = /00(?:29|2B(?!00)[0-9A-F]{2})04$/;
/** 2009, in seconds: before there was a MongoDB. What looks like an earlier time is something else. */
const OLDEST = '49600000';

/** The cluster time in a token of MongoDB, 16 hex digits; undefined in one of another server. */
export function timeInToken(token: string): string | undefined {
  const time = MONGODB.exec(token)?.[1];
  return time !== undefined && time >= OLDEST ? time : undefined;
}

/** The token of a change in one piece, of the token of a fragment of it; all others are as they are. */
export function tokenOfChange(token: string): string {
  return timeInToken(token) === undefined ? token : token.replace(FRAGMENT, '0004');
}

/** The cluster time of a change, 16 hex digits; undefined where the server does not tell it. */
export function timeOf({ token, clusterTime }: ChangeEvent): string | undefined {
  const time = timeInToken(token);
  if (time !== undefined || clusterTime === undefined) return time;
  const { bytes, at } = clusterTime;
  return hexTime(bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at));
}

/**
 * What identifies a change: the token; if that is not MongoDB's, with its cluster time before it, in the same layout.
 */
export function changeIdOf(event: ChangeEvent): string {
  const { token } = event;
  if (timeInToken(token) !== undefined) return token;
  const time = timeOf(event);
  return time === undefined ? token : `82${time}${token}`;
}

/** Says how a position lies before an earlier one, which no stream may give; undefined if it does not. */
export function wentBack(before: Checkpoint, next: Checkpoint): string | undefined {
  if (!before.token || !next.token) return undefined;
  const areOrdered = timeInToken(before.token) !== undefined && timeInToken(next.token) !== undefined;
  const [from, to] = areOrdered
    ? [tokenOfChange(before.token), tokenOfChange(next.token)]
    : [before.clusterTime, next.clusterTime];
  return to < from ? `the resume token went back from ${withoutTokens(from)} to ${withoutTokens(to)}` : undefined;
}

/** A text in which tokens of MongoDB are cut after their cluster time: they have the `_id` of a document. */
export function withoutTokens(text: string): string {
  return text.replace(/\b(82[0-9A-F]{16})[0-9A-F]+/gi, '$1…');
}

/** 16 hex digits. @param seconds since the epoch. @param increment of changes within a second */
export function hexTime(seconds: number, increment: number): string {
  const hex = (value: number) => value.toString(16).padStart(8, '0').toUpperCase();
  return hex(seconds) + hex(increment);
}
