import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/http/server.ts
import { createServer } from "node:http";
async function serve(port, routes) {
  const paths = routes.map(({ path }) => path);
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    const route = routes.find((candidate) => candidate.path === path);
    if (route !== void 0) route.handle(request, response);
    else reply(response, 404, `try ${paths.slice(0, -1).join(", ")} or ${paths.at(-1)}
`);
  });
  await new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen(port, cause)));
    server.listen(port, "127.0.0.1", resolve);
  });
  server.unref();
  return server;
}
function reply(response, status, body, type = "text/plain; charset=utf-8") {
  response.writeHead(status, { "content-type": type }).end(body);
}
function cannotListen(port, cause) {
  return new SluiceError(
    "SLUICE_CONFIG",
    `METRICS_PORT=${port}: cannot listen on 127.0.0.1:${port} (${cause.code}); 0 turns metrics off`,
    { cause }
  );
}

export {
  serve,
  reply
};
//# sourceMappingURL=chunk-UZ5IPIWX.js.map
