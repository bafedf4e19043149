#!/usr/bin/env node
/**
 * Serves the playground to this machine: `npm run playground -- [port]`. Its folder, dist/web/playground, is static
 * files: any server of such can have it, at any path.
 */
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../dist/web/playground', import.meta.url));
const DEFAULT_PORT = 8420;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };

if (!existsSync(path.join(FOLDER, 'index.html'))) {
  console.error(`${FOLDER} is not there: npm run build makes it`);
  process.exit(1);
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  // The folder has no folders.
  const name = pathname === '/' ? 'index.html' : pathname.slice(1);
  const file = path.join(FOLDER, name);
  if (!/^\w[\w.]*$/.test(name) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
});
server.on('error', (error) => {
  console.error(`cannot serve: ${error.message}; another port can be given: npm run playground -- 8421`);
  process.exit(1);
});
server.listen(Number(process.argv[2] ?? DEFAULT_PORT), '127.0.0.1', () => {
  console.log(`${FOLDER}\nis at http://127.0.0.1:${server.address().port}/`);
});
