/**
 * What a setting is: a field of a folder's section, with the environment variable that it comes from, its check, its
 * default and what it means. config.ts composes the sections; help and docs/configuration.md list them.
 */
import * as z from 'zod';

export const MIB = 1 << 20;

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  ...{ KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 },
};

/** A folder's settings by the names that the program has for them. */
export type Section = z.ZodObject<Readonly<Record<string, z.ZodType<unknown, string | undefined>>>>;

/** The values of a section: what z.output is, with every field there. */
export type Settings<S extends Section> = { readonly [K in keyof S['shape']]: z.output<S['shape'][K]> };

/** A setting as people see it. */
export interface SettingText {
  readonly variable: string;
  /** As one would write it, or in words; empty if there is none. */
  readonly default: string;
  readonly meaning: string;
}

/**
 * Makes a setting of the check of a variable's text.
 * @param check with `prefault` for a default, or `optional`
 * @param defaultText in words, if the default is not the same everywhere
 */
export function setting<T extends z.ZodType>(variable: string, meaning: string, check: T, defaultText?: string): T {
  return check.meta({ variable, description: meaning, defaultText });
}

/** The variable of each field of a section, in the section's order. */
export function variablesOf(section: Section): Map<string, string> {
  return new Map(Object.entries(section.shape).map(([field, check]) => [field, String(check.meta()?.variable)]));
}

/** The settings of a section for help and documents. */
export function settingTexts(section: Section): SettingText[] {
  return Object.values(section.shape).map((check) => {
    const { variable, description = '', defaultText } = check.meta() ?? {};
    const fallback = defaultText ?? (check instanceof z.ZodPrefault ? check.def.defaultValue : '');
    return { variable: String(variable), default: String(fallback), meaning: description };
  });
}

/** A number of bytes, plain or with a unit, decimal or binary: `33554432`, `32 MiB`, `32MB`, `1.5GiB`. */
export const bytes = (minimum: number, maximum: number) =>
  z.string().transform((text, context) => {
    const match = /^(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)?$/i.exec(text.trim());
    const unit = SIZE_UNITS[(match?.[2] ?? 'B').toUpperCase()];
    const value = match && (unit > 1 || !match[1].includes('.')) ? Math.round(Number(match[1]) * unit) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    context.addIssue(`must be a number of bytes from ${minimum} to ${maximum}, such as 33554432, 32MiB or 32MB`);
    return z.NEVER;
  });

const TIME_UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };

/** A time from `minimum` to `maximum` milliseconds, in seconds, minutes, hours or days: `90s`, `30m`, `12h`, `7d`. */
export const duration = (minimum: number, maximum: number) =>
  z.string().transform((text, context) => {
    const [, number, unit] = /^(\d+)\s*([smhd])$/.exec(text.trim()) ?? [];
    const value = unit === undefined ? Number.NaN : Number(number) * TIME_UNITS[unit];
    if (value >= minimum && value <= maximum) return value;
    context.addIssue(`must be a time from ${minimum / 1e3}s to ${maximum / 1e3}s, such as 90s, 30m, 12h or 7d`);
    return z.NEVER;
  });

/** A whole number from `minimum` to `maximum`. */
export const integer = (minimum: number, maximum: number) =>
  z.string().transform((text, context) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    context.addIssue(`must be a whole number from ${minimum} to ${maximum}`);
    return z.NEVER;
  });

/** One of these words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

/** Any text that matches. @param problem says what it must be */
export const text = (pattern: RegExp, problem: string) => z.string().regex(pattern, problem);

/** Any text but none. */
export const someText = () => z.string().min(1, 'must not be empty');
