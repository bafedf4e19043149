/** A way to a server of this machine that can be broken and closed, while the server keeps what it has. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  /** Of the loopback; the same each time it is open. */
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** @param target port of the server */
  static async start(target: number): Promise<TcpProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => join(near, connect(target, '127.0.0.1'), sockets));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, sockets);
  }

  /** Breaks all connections; new ones can be made at once. */
  breakAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks all connections and refuses new ones. Does nothing if it is closed. */
  close(): void {
    this.#server.close();
    this.breakAll();
  }

  /** On the same port. Does nothing if it is open. */
  async reopen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }
}

function join(near: Socket, far: Socket, sockets: Set<Socket>): void {
  near.pipe(far).pipe(near);
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ]) {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  }
}
