/** The HEALTHCHECK of the image: whether /healthz of this container says that it works. No METRICS_PORT: nothing to ask. */
const { METRICS_PORT: port = '9464', HTTP_TOKEN: token } = process.env;

if (port !== '0') {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { headers }).catch((error) => error);
  if (!response.ok) process.exitCode = 1;
}
