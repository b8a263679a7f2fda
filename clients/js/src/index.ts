export * from "./events.js";
export { connect, SeqTracker, WaBoxError } from "./connect.js";
export type { ConnectionState, ConnectOptions, Place, Resume, WaBoxClient, WaBoxSocket } from "./connect.js";
