/**
 * Connection strings of libpq, in both of its forms: `host=… password='…'` and `postgresql://user:password@host/name`.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 *
 * The password is kept apart from all else: DuckDB shows what a database was attached with in its errors and tables.
 */

/** What is used where the string does not say otherwise. */
const DEFAULTS: Readonly<Record<string, string>> = {
  application_name: 'sluice',
  // Seconds for each of its addresses.
  connect_timeout: '10',
  // A peer that is gone without a word is noticed after 30 s, by questions while it is silent and by what it does not
  // acknowledge. One that answers as a machine and not as a server, stopped by SIGSTOP, is waited for.
  keepalives_idle: '10',
  keepalives_interval: '5',
  keepalives_count: '4',
  // Milliseconds.
  tcp_user_timeout: '30000',
  // The same from the other side: locks of a client that is gone are given up after a minute.
  options: '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3',
};

export interface PostgresConnection {
  /** `key='value' …`, without the password. */
  readonly parameters: string;
  readonly password: string | undefined;
}

/** What a connection string says, and DEFAULTS. @throws Error, without any of it, if it is none */
export function parseConnection(text: string): PostgresConnection {
  const given = /^(postgres(ql)?:)?\/\//.test(text) ? parseUri(text) : parseKeyValues(text);
  if (given.sslpassword !== undefined) throw new Error('sslpassword cannot be kept from DuckDB: use a key without one');
  const { password, ...rest } = given;
  // DuckDB's error would show its value.
  const misspelled = Object.keys(rest).find((key) => /^(pas|pwd)/i.test(key) && key !== 'passfile');
  if (misspelled !== undefined) throw new Error(`there is no parameter ${misspelled}: the password is in "password"`);
  const parameters = Object.entries({ ...DEFAULTS, ...rest }).map(([key, value]) => `${key}='${escaped(value)}'`);
  return { parameters: parameters.join(' '), password };
}

const escaped = (value: string) => value.replaceAll(/['\\]/g, '\\$&');
const unescaped = (value: string) => value.replaceAll(/\\(.)/gs, '$1');

function parseKeyValues(text: string): Record<string, string> {
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)(?=\s|$)/gsy;
  const found: Record<string, string> = {};
  let end = 0;
  for (let match = pair.exec(text); match !== null; match = pair.exec(text)) {
    const [, key, quoted, plain = ''] = match;
    found[key] = unescaped(quoted ?? plain);
    end = pair.lastIndex;
  }
  if (text.slice(end).trim() !== '') throw new Error('must be key=value pairs as libpq has them, or postgresql://…');
  return found;
}

const URI = /^(?:postgres(?:ql)?:)?\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;

function parseUri(text: string): Record<string, string> {
  const match = URI.exec(text);
  if (match === null) throw new Error('must be a URI as libpq has them, with special characters as %xx');
  const [, user, password, hosts = '', dbname, query = ''] = match;
  const addresses = hosts
    .split(',')
    .map((address) => /^(\[.*\]|[^:]*)(?::(\d*))?$/.exec(address) ?? [address, address]);
  const host = addresses.map(([, name]) => name.replace(/^\[(.*)\]$/, '$1')).join(',');
  const port = addresses.map(([, , number = '']) => number).join(',');
  const parts = Object.entries({ user, password, host, port: port.replace(/^,*$/, ''), dbname });
  const given = parts.filter((part): part is [string, string] => part[1] !== undefined && part[1] !== '');
  // A value may have more of them.
  const more = query === '' ? [] : query.split('&').map((pair) => /^([^=]*)=?(.*)$/s.exec(pair)!.slice(1));
  return Object.fromEntries([...given, ...more].map(([key, value = '']) => [key, decodeURIComponent(value)]));
}
