/**
 * A connection to WaBox that loses nothing.
 *
 * Every number has one ordered event log; `seq` is an event's place in it. The client remembers the last place it
 * handed out per number and sends these as `resume` on every (re)connection, so the server replays what was missed
 * before live events. An event that arrives twice (Socket.IO's own recovery and resume may overlap) is dropped here.
 */
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type { Ack, ClientAcks, ClientEvents, ServerEvents } from "./events.js";
import { serverEventNames } from "./events.js";

type Listeners = { [E in keyof ServerEvents]: (payload: ServerEvents[E]) => void };
type Emitters = { [E in keyof ClientEvents]: (payload: ClientEvents[E], ack?: (answer: Ack<ClientAcks[E]>) => void) => void };
export type WaBoxSocket = Socket<Listeners, Emitters>;

/** A place in the log of a number: `epoch` names the log. A bare `seq` is the place in a log whose name is not known. */
export type Place = number | { seq: number; epoch: string };
/** Last seen place by number id. Plain data: keep it where you like and pass it back as `resume`. */
export type Resume = Record<string, Place>;

/** `refused`: the server does not accept the token, and there will be no further attempt until `setToken`. */
export type ConnectionState = "connecting" | "connected" | "offline" | "refused" | "closed";

export interface ConnectOptions {
  /** Address of the server. Default: where the page came from. */
  url?: string;
  /** JWT from `POST /api/v1/auth/login`, or a function asked before every attempt. */
  token: string | (() => string | null | Promise<string | null>);
  /** Where an earlier connection ended. */
  resume?: Resume;
  /** Passed on to socket.io-client. `auth` is taken by this library. */
  socket?: Omit<Partial<ManagerOptions & SocketOptions>, "auth">;
}

/** A client event answered with `success: false`, or not answered in time (`code: "TIMEOUT"`). */
export class WaBoxError extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor(message: string, code: string, retryAfterMs?: number) {
    super(message);
    this.name = "WaBoxError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface WaBoxClient {
  readonly socket: WaBoxSocket;
  readonly state: ConnectionState;
  /** Why the server refused, when `state` is `refused`. */
  readonly refusal: { message: string; code: string | undefined } | null;
  /** A copy of the last seen place per number. */
  readonly resume: Resume;
  /** Listens to one event; returns the function that stops listening. */
  on<E extends keyof ServerEvents>(event: E, listener: (payload: ServerEvents[E]) => void): () => void;
  /** Listens to every event, in the order of arrival. */
  onAny(listener: <E extends keyof ServerEvents>(event: E, payload: ServerEvents[E]) => void): () => void;
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Emits and waits for the acknowledgement. Rejects with WaBoxError. */
  request<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E], timeoutMs?: number): Promise<ClientAcks[E]>;
  /** Emits if connected; otherwise drops it. For typing and the like. */
  tell<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void;
  /** Uses another token from now on and connects again. */
  setToken(token: ConnectOptions["token"]): void;
  close(): void;
}

/** Sent unasked on connect too, with a `seq` of before: they are not counted, and handed out each time. */
const repeated: ReadonlySet<string> = new Set(["whatsapp:status", "whatsapp:qr"]);

/** The `seq` of a place in the log of this name; undefined: the place is in another log. */
const seqIn = (place: Place | undefined, epoch: string | undefined): number | undefined => {
  if (typeof place !== "object") return place;
  return epoch === undefined || place.epoch === epoch ? place.seq : undefined;
};

/** Decides what is new. Pure, so that it can be tested without a socket. */
export class SeqTracker {
  private last: Map<string, Place>;
  constructor(resume: Resume = {}) {
    this.last = new Map(Object.entries(resume));
  }

  snapshot(): Resume {
    return Object.fromEntries(this.last);
  }

  /** True when the event should be handed out. Remembers its place. */
  accept(event: string, payload: unknown): boolean {
    const { whatsappNumberId, seq, epoch } = (payload ?? {}) as { whatsappNumberId?: number; seq?: number; epoch?: string };
    if (whatsappNumberId === undefined || typeof seq !== "number") return true;
    const key = String(whatsappNumberId);
    const seen = seqIn(this.last.get(key), epoch);
    const isCounted = event === "resync" || seen === undefined || (seq > seen && !repeated.has(event));
    if (isCounted) this.last.set(key, epoch === undefined ? seq : { seq, epoch });
    return isCounted || repeated.has(event);
  }

  forget(whatsappNumberId: number): void {
    this.last.delete(String(whatsappNumberId));
  }
}

export function connect(options: ConnectOptions): WaBoxClient {
  const tracker = new SeqTracker(options.resume);
  let token = options.token;
  let state: ConnectionState = "connecting";
  let refusal: WaBoxClient["refusal"] = null;

  const auth = async (give: (data: object) => void) => {
    const value = typeof token === "function" ? await token() : token;
    give({ token: value, resume: tracker.snapshot() });
  };
  const socketOptions = { reconnectionDelay: 500, reconnectionDelayMax: 10_000, ...options.socket, auth };
  const socket: WaBoxSocket = options.url === undefined ? io(socketOptions) : io(options.url, socketOptions);

  const stateListeners = new Set<(state: ConnectionState) => void>();
  const anyListeners = new Set<(event: never, payload: never) => void>();
  const eventListeners = new Map<string, Set<(payload: never) => void>>();

  const enter = (next: ConnectionState) => {
    if (state === next || state === "closed") return;
    state = next;
    for (const listener of [...stateListeners]) listener(next);
  };

  socket.on("connect", () => {
    refusal = null;
    enter("connected");
  });
  socket.on("disconnect", (reason) => {
    // The server closes the socket of a revoked token; socket.io-client does not come back from that by itself.
    // A pause, so that a server that throws this client out is not stormed.
    if (reason === "io server disconnect") setTimeout(() => { if (state !== "closed" && !socket.connected) socket.connect(); }, 1_000);
    enter("offline");
  });
  socket.on("connect_error", (error: Error & { data?: { code?: string } }) => {
    if (!error.message.startsWith("Authentication error:")) return enter("offline");
    refusal = { message: error.message, code: error.data?.code };
    enter("refused");
  });
  for (const event of serverEventNames) {
    socket.on(event, ((payload: never) => {
      if (!tracker.accept(event, payload)) return;
      if (event === "permission:changed") {
        const change = payload as ServerEvents["permission:changed"];
        if (!change.granted) tracker.forget(change.whatsappNumberId);
      }
      for (const listener of [...(eventListeners.get(event) ?? [])]) listener(payload);
      for (const listener of [...anyListeners]) listener(event as never, payload);
    }) as never);
  }

  return {
    socket,
    get state() { return state; },
    get refusal() { return refusal; },
    get resume() { return tracker.snapshot(); },
    on(event, listener) {
      const set = eventListeners.get(event) ?? new Set();
      eventListeners.set(event, set);
      set.add(listener as never);
      return () => void set.delete(listener as never);
    },
    onAny(listener) {
      anyListeners.add(listener as never);
      return () => void anyListeners.delete(listener as never);
    },
    onState(listener) {
      stateListeners.add(listener);
      return () => void stateListeners.delete(listener);
    },
    async request(event, payload, timeoutMs = 15_000) {
      const emit = socket.timeout(timeoutMs).emitWithAck as (event: string, payload: unknown) => Promise<Ack<never>>;
      let answer: Ack<never>;
      try {
        answer = await emit.call(socket.timeout(timeoutMs), event, payload);
      } catch {
        throw new WaBoxError("The server did not answer in time", "TIMEOUT");
      }
      if (answer.success) return answer.data;
      throw new WaBoxError(answer.message, answer.code, answer.retryAfterMs);
    },
    tell(event, payload) {
      if (socket.connected) (socket.emit as (event: string, payload: unknown) => void).call(socket, event, payload);
    },
    setToken(next) {
      token = next;
      socket.disconnect();
      enter("connecting");
      socket.connect();
    },
    close() {
      enter("closed");
      socket.close();
    },
  };
}
