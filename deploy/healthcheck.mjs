/** The HEALTHCHECK of the image: whether /healthz of this container says that it works. METRICS_PORT=0: nobody to ask. */
import { readFileSync } from 'node:fs';

const { METRICS_PORT: port = '9464', HTTP_TOKEN, HTTP_TOKEN_FILE: file } = process.env;

if (port !== '0') {
  const token = file === undefined ? HTTP_TOKEN : readFileSync(file, 'utf8').trim();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { headers }).catch((error) => error);
  if (!response.ok) process.exitCode = 1;
}
