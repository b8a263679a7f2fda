// A socket.io-client that remembers everything it heard.
import { io } from "socket.io-client";

export function openSocket(server, auth, options = {}) {
  const socket = io(server.base, { auth, transports: ["websocket"], reconnection: false, forceNew: true, ...options });
  const heard = [], waiting = [];
  socket.onAny((event, data) => {
    const entry = { event, data };
    heard.push(entry);
    for (const wait of [...waiting]) if (wait.match(entry)) { waiting.splice(waiting.indexOf(wait), 1); wait.done(data); }
  });
  return {
    socket, heard,
    ready: new Promise((done, fail) => { socket.once("connect", done); socket.once("connect_error", fail); }),
    ended: new Promise((done) => socket.once("disconnect", done)),
    of: (event) => heard.filter((entry) => entry.event === event).map((entry) => entry.data),
    seqs: (numberId) => heard.filter(({ data }) => data?.whatsappNumberId === numberId && data.seq !== undefined).map(({ data }) => data.seq),
    wait(event, match = () => true, { timeout = 5000, after = 0 } = {}) {
      const fits = (entry) => entry.event === event && match(entry.data);
      const found = heard.slice(after).find(fits);
      if (found) return Promise.resolve(found.data);
      return new Promise((done, fail) => {
        const timer = setTimeout(() => fail(new Error(`waited for ${event}; heard ${heard.slice(-6).map((e) => e.event)}`)), timeout);
        waiting.push({ match: fits, done: (data) => { clearTimeout(timer); done(data); } });
      });
    },
    ask: (event, payload) => socket.timeout(5000).emitWithAck(event, payload),
    close: () => socket.close(),
  };
}
