/** REST under /api/v1. One function per call; each answers with the part of the body a screen needs. */
import { serverText, t } from "../i18n";
import { expire, session } from "./session";
import type { StatsHour } from "./stats";
import type { ApiKey, AuditRow, Chat, ChatRow, Contact, Group, Message, Page, Permission, PhoneNumber, SearchHit, Session, Template, User } from "./types";

export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly details: Record<string, unknown> = {}, readonly code: string | null = null) {
    super(message);
    this.name = "ApiError";
  }
  /** Trying the same again may work. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  keepalive?: boolean;
  /** A 401 of this call is about its own input, not about the session. */
  public?: boolean;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export async function request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const token = session.get()?.token;
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (token && !options.public) headers.authorization = `Bearer ${token}`;
  if (options.body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method, headers, signal: options.signal ?? null, keepalive: options.keepalive ?? false,
      body: options.body === undefined ? null : JSON.stringify(options.body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, t("error.network"));
  }
  const body = (await response.json().catch(() => null)) as (T & { message?: string; code?: string; details?: Record<string, unknown> }) | null;
  if (response.ok && body !== null) return body;
  // Only the token that was sent may end the session: a late answer must not sign out somebody new.
  if (response.status === 401 && !options.public && token === session.get()?.token) expire();
  throw new ApiError(response.status, serverText(body?.code, body?.message ?? response.statusText), body?.details ?? {}, body?.code ?? null);
}

type Value = string | number | boolean | null | undefined;

function query(values: Record<string, Value>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return pairs.length ? `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}` : "";
}

/** The server's lists name their totals differently. */
interface Paging {
  currentPage?: number; totalPages?: number; totalUsers?: number; totalNumbers?: number; totalItems?: number; total?: number;
}

function paged<T>(rows: T[], p: Paging | undefined): Page<T> {
  const total = p?.totalUsers ?? p?.totalNumbers ?? p?.totalItems ?? p?.total ?? rows.length;
  return { rows, page: p?.currentPage ?? 1, pages: Math.max(1, p?.totalPages ?? 1), total };
}

export interface ListQuery {
  page?: number; limit?: number; search?: string; sortBy?: string; sortOrder?: "asc" | "desc"; role?: string; isActive?: boolean;
}

interface Data<T> { data: T }
interface ListOf<T> { data: T[]; pagination?: Paging }
interface Offsets { pagination: { limit: number; offset: number; total: number } }

// ---- identity

export const login = (username: string, password: string) =>
  request<{ user: User; token: string }>("POST", "/auth/login", { body: { username, password }, public: true });
export const logout = () => request("POST", "/auth/logout");
export const me = async () => (await request<{ user: User }>("GET", "/auth/me")).user;
export const updateMe = (body: { name?: string; email?: string; currentPassword?: string; newPassword?: string }) =>
  request<{ user: User; token?: string }>("PUT", "/auth/me", { body });

// ---- users

export const users = async (q: ListQuery) => {
  const body = await request<{ users: User[]; pagination: Paging }>("GET", `/users${query({ ...q })}`);
  return paged(body.users, body.pagination);
};
export type UserInput = { name: string; username: string; email: string; role: string; password?: string };
export const createUser = (body: UserInput) => request("POST", "/users", { body });
export const updateUser = (id: number, body: Partial<UserInput>) => request("PUT", `/users/${id}`, { body });
export const deleteUser = (id: number) => request("DELETE", `/users/${id}`);

// ---- numbers and their sessions

export const numbers = async (q: ListQuery) => {
  const body = await request<{ whatsappNumbers: PhoneNumber[]; pagination: Paging }>("GET", `/whatsapp${query({ ...q })}`);
  return paged(body.whatsappNumbers, body.pagination);
};
export type NumberInput = { name: string; phoneNumber: string; isActive?: boolean; policies?: PhoneNumber["policies"] };
export const createNumber = async (body: NumberInput) => (await request<{ whatsappNumber: PhoneNumber }>("POST", "/whatsapp", { body })).whatsappNumber;
export const updateNumber = (id: number, body: Partial<NumberInput>) => request("PUT", `/whatsapp/${id}`, { body });
export const deleteNumber = (id: number) => request("DELETE", `/whatsapp/${id}`);
export const toggleNumber = (id: number) => request("PATCH", `/whatsapp/${id}/toggle-status`);

export const sessions = async () => (await request<ListOf<Session>>("GET", "/sessions")).data;
export const linkNumber = async (numberId: number, method: "qr" | "code", signal?: AbortSignal) =>
  (await request<Data<Session>>("POST", `/sessions/${numberId}${method === "code" ? "?method=code" : ""}`, signal ? { signal } : {})).data;
/** The phone that scanned is the right one after all: the number becomes its. */
export const acceptPhone = (numberId: number, scanned: string) => request("POST", `/sessions/${numberId}${query({ accept: scanned })}`);
export const sessionQr = async (sessionId: string) =>
  (await request<Data<{ qrCode: string; expiresAt: string; status: string }>>("GET", `/sessions/${sessionId}/qr`)).data;
export const unlinkNumber = (sessionId: string) => request("DELETE", `/sessions/${sessionId}`);
export const stopSession = (sessionId: string) => request("PATCH", `/sessions/${sessionId}/status`, { body: { status: "DISCONNECTED" } });

// ---- chats and messages

export const chats = async (numberId: number, q: { limit: number; offset: number; archived?: boolean }) => {
  const body = await request<{ data: Chat[] } & Offsets>("GET", `/chats/${numberId}${query(q)}`);
  return { rows: body.data, total: body.pagination.total };
};
export const searchChats = async (numberId: number, q: string, signal?: AbortSignal): Promise<ChatRow[]> => {
  const body = await request<ListOf<Chat>>("GET", `/chats/${numberId}/search${query({ q })}`, signal ? { signal } : {});
  return body.data.map((chat) => ({ ...chat, whatsappNumberId: numberId }));
};
export const history = async (chatId: string, q: { limit: number; before?: string; after?: string }) =>
  (await request<{ data: Message[] } & Partial<Offsets>>("GET", `/chats/${chatId}/messages${query(q)}`)).data;
export const markRead = (chatId: string) => request("PATCH", `/chats/${chatId}/read`);
export const searchMessages = async (q: { q: string; whatsappNumberId?: number; chatId?: string; limit?: number; before?: string }, signal?: AbortSignal) =>
  (await request<{ data: SearchHit[] }>("GET", `/messages/search${query(q)}`, signal ? { signal } : {})).data;
export const message = async (id: string) => (await request<Data<Message & { timeline?: { status: string; at: string }[] }>>("GET", `/messages/${id}`)).data;

export interface Sent { id: string; messageId: string; chatId: string; status: Message["status"]; timestamp: string }
export const send = async (sessionId: string, body: { to: string; message: string; clientId: string; quotedMessageId?: string }, keepalive = false) =>
  (await request<Data<Sent>>("POST", `/sessions/${sessionId}/send-message`, { body, keepalive })).data;

export interface ChatChange { pinned?: boolean; archived?: boolean; mutedUntil?: string | null; markedUnread?: boolean }
export const updateChat = async (chatId: string, body: ChatChange) => (await request<Data<Chat>>("PATCH", `/chats/${chatId}`, { body })).data;
export const startChat = async (whatsappNumberId: number, to: string): Promise<ChatRow> =>
  ({ ...(await request<Data<Chat>>("POST", "/chats", { body: { whatsappNumberId, to } })).data, whatsappNumberId });
export const contact = async (id: number) => (await request<Data<Contact>>("GET", `/contacts/${id}`)).data;
export const group = async (chatId: string) => (await request<Data<Group>>("GET", `/groups/${chatId}`)).data;

// ---- permissions

export const myPermissions = async () => (await request<ListOf<Permission>>("GET", "/wapermission/me?limit=1000")).data;
export const permissionsOf = async (userId: number) => (await request<ListOf<Permission>>("GET", `/wapermission/user/${userId}?limit=1000`)).data;
export const grant = (userId: number, whatsappNumberId: number) => request("POST", "/wapermission", { body: { userId, whatsappNumberId } });
export const revoke = (id: number) => request("DELETE", `/wapermission/${id}`);

// ---- templates

export const templates = async (q: ListQuery) => {
  const body = await request<ListOf<Template>>("GET", `/chat-templates${query({ ...q })}`);
  return paged(body.data, body.pagination);
};
export type TemplateInput = Pick<Template, "name" | "commands" | "content" | "isActive">;
export const createTemplate = (body: TemplateInput) => request("POST", "/chat-templates", { body });
export const updateTemplate = (id: number, body: Partial<TemplateInput>) => request("PUT", `/chat-templates/${id}`, { body });
export const deleteTemplate = (id: number) => request("DELETE", `/chat-templates/${id}`);

// ---- keys, audit, service

export const apiKeys = async (q: ListQuery) => {
  const body = await request<ListOf<ApiKey>>("GET", `/api-keys${query({ ...q })}`);
  return paged(body.data, body.pagination);
};
export const createApiKey = async (body: { name: string; scopes: string[]; whatsappNumberIds?: number[] }) =>
  (await request<Data<ApiKey & { key: string }>>("POST", "/api-keys", { body })).data;
export const deleteApiKey = (id: ApiKey["id"]) => request("DELETE", `/api-keys/${id}`);

interface RawAudit {
  id: number; createdAt: string; action: string; ip: string | null; actor: { id: number; name: string } | null; apiKeyId: number | null; apiKeyName: string | null;
  whatsappNumberName: string | null; target: string | null; targetName: string | null; details: unknown;
}
/** Details as `name: value`, which a person can read. */
function described(details: unknown): string {
  if (details === null || details === undefined) return "";
  if (typeof details !== "object") return String(details);
  return Object.entries(details).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(", ");
}
/** Newest first; `next` is the `before` of the page after this one. `action` may be the beginning of one. */
export const audit = async (q: { action?: string; userId?: number | undefined; whatsappNumberId?: number | undefined; before?: number; limit?: number }): Promise<{ rows: AuditRow[]; next: number | null }> => {
  const body = await request<{ data: RawAudit[]; pagination: { nextBefore: number | null } }>("GET", `/audit${query(q)}`);
  const rows = body.data.map((row) => ({
    id: row.id, at: row.createdAt, actorId: row.actor?.id ?? null, actor: row.actor?.name ?? "", apiKeyId: row.apiKeyId, apiKeyName: row.apiKeyName, action: row.action,
    target: row.target ?? "", targetName: row.targetName, numberName: row.whatsappNumberName, details: described(row.details), ip: row.ip ?? "",
  }));
  return { rows, next: body.pagination.nextBefore };
};

export const stats = async (q: { from: number; whatsappNumberId?: number }) =>
  (await request<ListOf<StatsHour>>("GET", `/stats${query(q)}`)).data;
export const realtime = async () => (await request<Data<{ connectedUsers: number }>>("GET", "/realtime/status")).data;
