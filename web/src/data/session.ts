/** Who is signed in. The token lives in this browser until logout, expiry or revocation. */
import { Local } from "./local";
import type { User } from "./types";

export interface SignedIn {
  token: string;
  user: User;
}

export const session = new Local<SignedIn | null>("wabox.session", null);

/** Why the login page is shown: `expired` after a 401 or a refused socket. */
export const notice = new Local<"expired" | "signedOut" | null>("wabox.notice", null);

export const isAdmin = (user: User | undefined): boolean => user?.role === "ADMIN";

export function expire(): void {
  if (session.get() === null) return;
  notice.set("expired");
  session.set(null);
}

export function setUser(user: User): void {
  const now = session.get();
  if (now) session.set({ ...now, user: { ...now.user, ...user } });
}
