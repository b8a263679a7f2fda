import type { Agent, Chat, Message, MessageStatus } from "@wabox/client";

export type { Agent, Chat, Message, MessageStatus, Mention, Reaction } from "@wabox/client";

export type Role = "ADMIN" | "USER" | (string & {});

export interface User {
  id: number;
  name: string;
  username: string;
  email: string;
  role: Role;
  isActive?: boolean;
  createdAt: string;
  updatedAt?: string;
}

export interface Policies {
  sendReadReceipts?: boolean;
  sendTyping?: boolean;
  minSendIntervalMs?: number;
}

export interface PhoneNumber {
  id: number;
  name: string;
  phoneNumber: string;
  isActive: boolean;
  createdAt?: string;
  phoneNumberFormatted?: string;
  policies?: Policies;
}

export type LinkStatus = "PENDING" | "PAIRING" | "CONNECTED" | "DISCONNECTED" | "RECONNECTING" | (string & {});

export interface Session {
  id: string;
  whatsappNumberId: number;
  whatsappNumber?: PhoneNumber;
  status: LinkStatus;
  lastConnected: string | null;
  isActive: boolean;
  errorMessage: string | null;
  reason?: string | null;
  scannedPhone?: string | null;
  expectedPhone?: string | null;
  createdAt?: string;
  updatedAt?: string;
  qrCode?: string | null;
  pairingCode?: string | null;
}

/** Live link state of a number, from the session row and the events after it. */
export interface Link {
  status: LinkStatus;
  sessionId: string | null;
  lastConnected: string | null;
  reason: string | null;
  retryAt: string | null;
  /** With the reason `wrong_phone`: whose phone it was, digits. */
  scannedPhone: string | null;
}

export interface Permission {
  id: number | null;
  userId: number;
  whatsappNumberId: number;
  whatsappNumber: PhoneNumber;
  createdAt: string | null;
  updatedAt: string | null;
}

export interface Template {
  id: number;
  name: string;
  commands: string;
  content: string;
  isActive: boolean;
  createdAt: string;
  updatedAt: string;
}

export interface ApiKey {
  id: number | string;
  name: string;
  prefix?: string;
  scopes: string[];
  whatsappNumberIds?: number[] | null;
  createdAt: string;
  lastUsedAt?: string | null;
}

export interface AuditRow {
  id: number | string;
  at: string;
  actorId: number | null;
  actor: string;
  apiKeyId: number | null;
  apiKeyName: string | null;
  action: string;
  target: string;
  targetName: string | null;
  numberName: string | null;
  details: string;
  ip: string;
}

export interface ChatRow extends Chat {
  whatsappNumberId: number;
}

export interface Person {
  id: number;
  name: string | null;
  pushName: string | null;
  phone: string | null;
  jid: string;
  chatId: string | null;
}

export interface Contact extends Person {
  businessName: string | null;
  isBlocked: boolean;
  whatsappNumberId: number;
  commonGroups: { chatId: string; groupName: string; memberCount: number }[];
  createdAt: string;
}

export interface Member extends Person {
  role: "member" | "admin" | "owner";
  isMe: boolean;
}

export interface Group {
  chatId: string;
  jid: string;
  subject: string | null;
  announce: boolean;
  isGone: boolean;
  members: Member[];
}

export interface SearchHit {
  message: Message;
  chat: ChatRow;
  snippet: string;
}

export type OutboxState = "held" | "sending" | "failed";

/** A message on its way: shown at once, keyed by clientId, replaced by the stored message. */
export interface OutboxRow {
  clientId: string;
  chatId: string;
  whatsappNumberId: number;
  to: string;
  text: string;
  quotedMessageId: string | null;
  quotedContent: string | null;
  createdAt: string;
  state: OutboxState;
  /** While held: when it goes out (epoch ms). */
  holdUntil: number;
  error: string | null;
}

export interface Page<T> {
  rows: T[];
  page: number;
  pages: number;
  total: number;
}

export type { MessageStatus as Status };
export type Me = User;
export type AgentRef = Agent;
