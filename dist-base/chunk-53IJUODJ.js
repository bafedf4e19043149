import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/commands/text-table.ts
var CELL_WIDTH = 60;
var GAP = "  ";
function drawTable(columns, rows, count, width) {
  const cells = [columns, ...rows].map((row) => row.map(tableCell));
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => lengthOf(row[index]))));
  const total = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
  const more = count > rows.length ? `\u2026 and ${count - rows.length} more rows (of ${count})
` : "";
  if (width !== void 0 && total > width && rows.length > 0) return drawBlocks(cells, width) + more;
  const numeric = columns.map((_, index) => {
    const values = rows.map((row) => row[index]).filter((value) => value !== null);
    return values.length > 0 && values.every(isNumeric);
  });
  const line = (row) => row.map((cell, index) => pad(cell, widths[index], numeric[index])).join(GAP).trimEnd();
  const [head, ...body] = cells.map(line);
  const rule = widths.map((each) => "\u2500".repeat(each)).join(GAP);
  return `${[head, rule, ...body].map((text) => cut(text, width)).join("\n")}
${more}`;
}
function drawBlocks([columns, ...rows], width) {
  const nameWidth = Math.max(...columns.map(lengthOf));
  const blocks = rows.map((row, index) => {
    const title = `\u2500\u2500 row ${index + 1} `;
    const lines = row.map((cell, column) => cut(`${pad(columns[column], nameWidth, false)}${GAP}${cell}`, width));
    return `${[cut(title.padEnd(Math.min(width, CELL_WIDTH), "\u2500"), width), ...lines].join("\n")}
`;
  });
  return blocks.join("");
}
function tableCell(value) {
  if (value === null || value === void 0) return "\u2205";
  return cut((typeof value === "object" ? JSON.stringify(value) : String(value)).replace(/\s+/g, " "), CELL_WIDTH);
}
function cut(text, width) {
  if (width === void 0 || lengthOf(text) <= width) return text;
  return `${[...text].slice(0, width - 1).join("")}\u2026`;
}
function lengthOf(text) {
  return [...text].length;
}
function isNumeric(value) {
  return typeof value === "number" || typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);
}
function pad(text, width, right) {
  const space = " ".repeat(width - lengthOf(text));
  return right ? space + text : text + space;
}

export {
  drawTable
};
//# sourceMappingURL=chunk-53IJUODJ.js.map
