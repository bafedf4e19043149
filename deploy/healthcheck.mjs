/**
 * The HEALTHCHECK of the image: whether /healthz of this container says that it works. METRICS_PORT=0: nobody to ask.
 * An empty variable is none, as for the program.
 */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';

const { METRICS_PORT, HTTP_HOST, HTTP_TOKEN, HTTP_TOKEN_FILE } = process.env;
const port = METRICS_PORT || '9464';
/** All addresses. */
const ALL = ['', '0.0.0.0', '::'];

if (port !== '0') {
  const token = HTTP_TOKEN_FILE ? readFileSync(HTTP_TOKEN_FILE, 'utf8').trim() : HTTP_TOKEN;
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const address = ALL.includes(HTTP_HOST ?? '') ? '127.0.0.1' : HTTP_HOST;
  const host = isIPv6(address) ? `[${address}]` : address;
  const response = await fetch(`http://${host}:${port}/healthz`, { headers }).catch((error) => error);
  if (!response.ok) process.exitCode = 1;
}
