// Golden shapes: every key present, nothing more, each value of its type. "string?" may be null.
import assert from "node:assert/strict";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const is = {
  string: (v) => typeof v === "string", text: (v) => typeof v === "string" && v.length > 0, int: Number.isInteger,
  code: (v) => /^[A-Z][A-Z_]+$/.test(v), bool: (v) => typeof v === "boolean", time: (v) => ISO.test(v), uuid: (v) => UUID.test(v), true: (v) => v === true,
  false: (v) => v === false, role: (v) => v === "ADMIN" || v === "USER", object: (v) => v !== null && typeof v === "object",
};

export function assertShape(value, shape, at = "body") {
  if (typeof shape === "string") {
    if (shape.endsWith("?")) { if (value === null) return; shape = shape.slice(0, -1); }
    assert.ok(is[shape](value), `${at} is ${JSON.stringify(value)}, want ${shape}`);
  } else if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), `${at} is no list`);
    value.forEach((one, i) => assertShape(one, shape[0], `${at}[${i}]`));
  } else {
    assert.ok(is.object(value), `${at} is ${JSON.stringify(value)}`);
    assert.deepEqual(Object.keys(value).sort(), Object.keys(shape).sort(), `keys of ${at}`);
    for (const key of Object.keys(shape)) assertShape(value[key], shape[key], `${at}.${key}`);
  }
}

export const User = { id: "int", name: "text", username: "text", email: "text", role: "role", isActive: "bool", createdAt: "time", updatedAt: "time" };
export const LoginUser = { id: "int", name: "text", username: "text", email: "text", role: "role", createdAt: "time" };
export const NumberBrief = { id: "int", name: "text", phoneNumber: "text", isActive: "bool" };
export const Perm = { id: "int?", userId: "int", whatsappNumberId: "int", whatsappNumber: NumberBrief, createdAt: "time?", updatedAt: "time?" };
export const Page = { currentPage: "int", totalPages: "int", totalItems: "int", itemsPerPage: "int" };
export const Template = { id: "int", name: "text", commands: "text", content: "text", isActive: "bool", createdAt: "time", updatedAt: "time" };
export const Chat = { id: "uuid", contactName: "text", contactNumber: "text", contactJid: "text", lastMessage: "string?", lastMessageTime: "time", lastMessageIsFromMe: "bool", lastMessageId: "text?", lastMessageStatus: "text?", lastMessageFromName: "text?", unreadCount: "int", isMarkedUnread: "bool", contactId: "int?",
  isGroup: "bool", groupName: "string?", isPinned: "bool", isArchived: "bool", mutedUntil: "time?", ephemeralSeconds: "int" };
export const Failure = { success: "false", error: "text", code: "code", message: "text" };

export function assertFailure({ status, body }, want, message) {
  assert.equal(status, want, JSON.stringify(body));
  const { details, ...rest } = body;
  assertShape(rest, Failure);
  if (details !== undefined) assertShape(details, "object");
  if (message instanceof RegExp) assert.match(body.message, message);
  else if (message) assert.equal(body.message, message);
  assert.doesNotMatch(body.message, /sqlite|select |insert |\/home|\/tmp|\.c:\d/i);
}
