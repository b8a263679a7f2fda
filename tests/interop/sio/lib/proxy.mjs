// A TCP relay that can be cut (connections reset), taken down (new ones refused) and frozen (bytes swallowed, nothing closed).
import net from 'node:net';

export class Proxy {
  #pairs = new Set();
  isDown = false;
  isFrozen = false;

  static async open(target) {
    const { hostname, port } = new URL(target);
    const proxy = new Proxy();
    proxy.server = net.createServer((near) => proxy.#relay(near, Number(port), hostname));
    await new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }
  #relay(near, port, host) {
    if (this.isDown) return near.destroy();
    const far = net.connect(port, host);
    const pair = [near, far];
    this.#pairs.add(pair);
    const end = () => {
      if (this.isFrozen) return;
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (chunk) => this.isFrozen || to.write(chunk));
      from.on('error', end);
      from.on('close', end);
    }
  }
  cut() {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    this.#pairs.clear();
  }
  down() {
    this.isDown = true;
    this.cut();
  }
  up() {
    this.isDown = false;
    this.isFrozen = false;
  }
  freeze() {
    this.isFrozen = true;
  }
  async close() {
    this.isFrozen = false;
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
