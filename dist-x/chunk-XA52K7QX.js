import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/sql.ts
function identifier(name) {
  return `"${name.replaceAll('"', '""')}"`;
}
function literal(text) {
  return `'${text.replaceAll("'", "''")}'`;
}
async function rowsOf(connection, sql) {
  return (await connection.runAndReadAll(sql)).getRowObjects();
}

export {
  identifier,
  literal,
  rowsOf
};
//# sourceMappingURL=chunk-XA52K7QX.js.map
