import { expect, it } from 'vitest';
import { parseConnection } from '../../../src/sinks/ducklake/postgres-connection.js';

it('takes values that have an equals sign', () => {
  const uri = 'postgresql://me:a=b@db/lake?options=-c statement_timeout=5s&application_name=x%3Dy&sslcert=';
  const { parameters, password } = parseConnection(uri);
  expect(password).toBe('a=b');
  for (const pair of ["options='-c statement_timeout=5s'", "application_name='x=y'", "sslcert=''"]) {
    expect(parameters).toContain(pair);
  }
  expect(parseConnection("host=db options='-c statement_timeout=5s'").parameters).toContain(
    "options='-c statement_timeout=5s'",
  );
});
