import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  settingTexts
} from "./chunk-XAGLG5OY.js";

// src/commands/variables-help.ts
var WIDTH = 100;
function variablesHelp(...listed) {
  const settings = textsOf(listed);
  const width = Math.max(...settings.map(({ variable }) => variable.length));
  const lines = settings.map(({ variable, default: fallback, meaning }) => {
    const shown = fallback === "" ? "" : ` (default: ${fallback})`;
    return `  ${variable.padEnd(width)}  ${plain(`${meaning}${shown}`)}`;
  });
  return `
Environment variables:
${lines.join("\n")}`;
}
function namesHelp(listed) {
  const lines = ["  "];
  for (const { variable } of textsOf(listed)) {
    if (lines[lines.length - 1].length + variable.length > WIDTH) lines.push("  ");
    lines[lines.length - 1] += `${variable}, `;
  }
  const names = lines.map((line) => line.trimEnd()).join("\n");
  return `
Environment variables; "sluice <command> --help" explains those that it reads:
${names.replace(/,$/, "")}`;
}
function textsOf(listed) {
  return listed.flatMap((entry) => "variable" in entry ? [entry] : settingTexts(entry));
}
function plain(text) {
  return text.replaceAll("`", "").replace(/\[[^\]]*\]\(([^)]*)\)/g, "docs/$1");
}

export {
  variablesHelp,
  namesHelp
};
//# sourceMappingURL=chunk-QVWHMW6S.js.map
