import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { bytes, duration, integer, oneOf, setting, settingTexts, variablesOf } from '../../src/core/settings.js';

const section = z.object({
  size: setting('SOME_SIZE', 'how much', bytes(1, 100).prefault('64B')),
  count: setting(
    'SOME_COUNT',
    'how many',
    integer(1, 9).prefault(() => '3'),
    'a few',
  ),
  kind: setting('SOME_KIND', 'which', oneOf(['a', 'b']).optional()),
});

describe('a section', () => {
  it('gives defaults the same check as values', () => {
    expect(section.parse({})).toEqual({ size: 64, count: 3 });
    const wrong = z.object({ size: setting('SOME_SIZE', 'how much', bytes(1, 100).prefault('1KiB')) });
    expect(() => wrong.parse({})).toThrow('from 1 to 100');
  });

  it('says its variables, defaults and meanings', () => {
    expect([...variablesOf(section)]).toEqual([
      ['size', 'SOME_SIZE'],
      ['count', 'SOME_COUNT'],
      ['kind', 'SOME_KIND'],
    ]);
    expect(settingTexts(section)).toEqual([
      { variable: 'SOME_SIZE', default: '64B', meaning: 'how much' },
      { variable: 'SOME_COUNT', default: 'a few', meaning: 'how many' },
      { variable: 'SOME_KIND', default: '', meaning: 'which' },
    ]);
  });
});

describe('bytes', () => {
  const read = (text: string) => bytes(0, 2 ** 50).safeParse(text).data;

  it.each([
    ['0', 0],
    ['7B', 7],
    ['1kb', 1000],
    ['1 KiB', 1024],
    ['1.1GB', 1_100_000_000],
    ['1TiB', 2 ** 40],
  ])('reads %s', (text, value) => {
    expect(read(text)).toBe(value);
  });

  it.each(['', '1.5', '1.5B', '-1', '1e3', '5 cows', '1KiBs', '2048TiB'])('refuses %j', (text) => {
    expect(read(text)).toBeUndefined();
  });
});

describe('duration', () => {
  const read = (text: string) => duration(1000, 864_000_000).safeParse(text).data;

  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    [' 12 h ', 43_200_000],
    ['7d', 604_800_000],
  ])('reads %j', (text, expected) => expect(read(text)).toBe(expected));

  it.each(['', '7', '7D', '1.5h', '-1d', '0s', '11d', 'd'])('does not take %j', (text) => {
    expect(read(text)).toBeUndefined();
  });
});
