import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  NEVER,
  ZodPrefault,
  _enum,
  string
} from "./chunk-JJ6JF4DP.js";

// src/core/settings.ts
var MIB = 1 << 20;
var SIZE_UNITS = {
  B: 1,
  ...{ KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 }
};
function setting(variable, meaning, check, defaultText) {
  return check.meta({ variable, description: meaning, defaultText });
}
function variablesOf(section) {
  return new Map(Object.entries(section.shape).map(([field, check]) => [field, String(check.meta()?.variable)]));
}
function settingTexts(section) {
  return Object.values(section.shape).map((check) => {
    const { variable, description = "", defaultText } = check.meta() ?? {};
    const fallback = defaultText ?? (check instanceof ZodPrefault ? check.def.defaultValue : "");
    return { variable: String(variable), default: String(fallback), meaning: description };
  });
}
var bytes = (minimum, maximum) => string().transform((text2, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)?$/i.exec(text2.trim());
  const unit = SIZE_UNITS[(match?.[2] ?? "B").toUpperCase()];
  const value = match && (unit > 1 || !match[1].includes(".")) ? Math.round(Number(match[1]) * unit) : Number.NaN;
  if (value >= minimum && value <= maximum) return value;
  context.addIssue(`must be a number of bytes from ${minimum} to ${maximum}, such as 33554432, 32MiB or 32MB`);
  return NEVER;
});
var integer = (minimum, maximum) => string().transform((text2, context) => {
  const value = /^\d+$/.test(text2.trim()) ? Number(text2) : Number.NaN;
  if (value >= minimum && value <= maximum) return value;
  context.addIssue(`must be a whole number from ${minimum} to ${maximum}`);
  return NEVER;
});
var oneOf = (values) => _enum(values, { error: `must be one of ${values.join(", ")}` });
var text = (pattern, problem) => string().regex(pattern, problem);
var someText = () => string().min(1, "must not be empty");

export {
  MIB,
  setting,
  variablesOf,
  settingTexts,
  bytes,
  integer,
  oneOf,
  text,
  someText
};
//# sourceMappingURL=chunk-XAGLG5OY.js.map
