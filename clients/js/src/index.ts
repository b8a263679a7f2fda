export * from "./events.js";
export { connect, SeqTracker, WaBoxError } from "./connect.js";
export type { ConnectionState, ConnectOptions, Resume, WaBoxClient, WaBoxSocket } from "./connect.js";
