/** What the page asks of its server. */
import type { About, Outcome, ResultTable } from '../../src/http/snapshot.js';

export function askAbout(): Promise<About> {
  return ask('/api/about');
}

/** @param signal ends the query */
export function runQuery(sql: string, signal?: AbortSignal): Promise<ResultTable> {
  return ask('/api/query', { sql }, signal);
}

export function tryMessage(value: Uint8Array | null, key: string | null): Promise<Outcome> {
  return ask('/api/parse', { value: value && toBase64(value), key });
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** @throws with the server's own words */
async function ask<T>(path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const init =
    body === undefined
      ? undefined
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          signal: signal ?? null,
        };
  const response = await fetch(path, init);
  // The token was changed: the server asks for the new one.
  if (response.status === 401) location.reload();
  const text = await response.text();
  if (!response.ok) throw new Error(text.startsWith('{') ? (JSON.parse(text) as { error: string }).error : text);
  return JSON.parse(text) as T;
}
