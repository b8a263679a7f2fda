import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { clearDrafts } from "../data/prefs";
import { putChats, putMessage, putNumbers, store } from "../data/store";
import type { ChatRow, Message, Template, User } from "../data/types";
import { DataTable, useList } from "../screens/admin/parts";
import { Composer } from "../screens/inbox/Composer";
import { MessageRow } from "../screens/inbox/MessageRow";
import { Confirm, TipProvider } from "../ui/kit";

const me: User = { id: 1, name: "Anna", username: "anna", email: "a@example.org", role: "USER", createdAt: "" };
const chat: ChatRow = {
  ...{ id: "a", whatsappNumberId: 1, contactName: "Siti", contactNumber: "+62812", contactJid: "62812@s.whatsapp.net", lastMessage: "" },
  ...{ lastMessageTime: "2026-01-01T00:00:00.000Z", lastMessageIsFromMe: false, lastMessageId: null, lastMessageStatus: null },
  ...{
    lastMessageFromName: null,
    unreadCount: 0,
    isMarkedUnread: false,
    ephemeralSeconds: 0,
    isGroup: false,
    contactId: 1,
    groupName: null,
  },
  ...{ isPinned: false, isArchived: false, mutedUntil: null },
};
const message = (id: string, change: Partial<Message>): Message => ({
  ...{
    id,
    messageId: `wa-${id}`,
    fromJid: "62812@s.whatsapp.net",
    fromNumber: "+62812",
    fromName: "Siti",
    content: id,
    type: "TEXT" as const,
  },
  ...{ mediaUrl: null, mediaCaption: null, quotedMessageId: null, quotedContent: null, isFromMe: false, status: "DELIVERED" as const },
  ...{ timestamp: "2026-01-01T00:00:00.000Z", sentBy: null, ...change },
});

let answers: Record<string, unknown> = {};
let sent: { path: string; body: Record<string, unknown> }[] = [];
beforeEach(() => {
  sent = [];
  answers = {};
  localStorage.clear();
  clearDrafts();
  store.reset();
  store.update((state) => {
    putNumbers(state, [{ id: 1, name: "Shop", phoneNumber: "62811", isActive: true }]);
    state.links.set(1, { status: "CONNECTED", sessionId: "s", lastConnected: null, reason: null, retryAt: null, scannedPhone: null });
    putChats(state, 1, [chat]);
  });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const path = url.replace(/^\/api\/v1/, "");
    if (init.method !== "GET") sent.push({ path, body: JSON.parse(String(init.body ?? "{}")) });
    const key = Object.keys(answers).find((one) => path.startsWith(one));
    return new Response(JSON.stringify(key ? answers[key] : { data: {} }), { status: key ? 200 : 404 });
  });
});

const show = (children: ReactNode) =>
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <TipProvider>{children}</TipProvider>
    </QueryClientProvider>,
  );

describe("the composer", () => {
  const composer = () => show(<Composer chat={chat} me={me} reply={null} onReply={() => undefined} />);

  it("sends on Enter at once, and is empty then", async () => {
    composer();
    const box = screen.getByRole("textbox", { name: "Message to Siti" });
    await userEvent.type(box, "halo{Enter}");
    expect(sent.map((one) => one.body.message)).toEqual(["halo"]);
    expect(box).toHaveProperty("value", "");
  });

  it("breaks the line on Shift and Enter", async () => {
    composer();
    const box = screen.getByRole("textbox");
    await userEvent.type(box, "a{Shift>}{Enter}{/Shift}b");
    expect(box).toHaveProperty("value", "a\nb");
    expect(store.state.outbox.size).toBe(0);
  });

  it("does not send what is too long, and says by how much", async () => {
    composer();
    const box = screen.getByRole("textbox");
    await userEvent.click(box);
    await userEvent.paste("x".repeat(65_537));
    expect(screen.getByText("1 character too long")).toBeTruthy();
    await userEvent.type(box, "{Enter}");
    expect(store.state.outbox.size).toBe(0);
    expect(screen.getByRole("button", { name: "Send" })).toHaveProperty("disabled", true);
  });

  it("completes a template behind the slash", async () => {
    const rows: Template[] = [
      { id: 1, name: "Greeting", commands: "/halo", content: "Halo {{name}}", isActive: true, createdAt: "", updatedAt: "" },
    ];
    answers["/chat-templates"] = { data: rows, pagination: { currentPage: 1, totalPages: 1 } };
    composer();
    const box = screen.getByRole("textbox");
    await userEvent.type(box, "/ha");
    await screen.findByRole("option", { name: /Greeting/ });
    await userEvent.keyboard("{Enter}");
    expect(box).toHaveProperty("value", "Halo Siti");
  });
});

describe("a row of the conversation", () => {
  const row = (one: Message) => {
    store.update((state) => void putMessage(state, one));
    const nothing = () => undefined;
    return show(
      <MessageRow
        {...{ id: one.id, first: true, chat, me, tabbable: false, flash: false }}
        {...{ onFocus: nothing, onReply: nothing, onInfo: nothing, onQuoted: nothing }}
      />,
    );
  };

  it("tells why a message failed and sends it once more, not twice", async () => {
    row(message("m1", { isFromMe: true, status: "FAILED", error: "This number is not on WhatsApp.", errorCode: "NOT_ON_WHATSAPP" }));
    expect(screen.getByText(/This number is not on WhatsApp\./)).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect([...store.state.outbox.values()].map((one) => one.text)).toEqual(["m1"]);
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  });

  it("never makes markup of what a customer writes", () => {
    const { container } = row(message("m2", { content: "<img src=x onerror=alert(1)> *tebal*" }));
    expect(container.querySelector("img")).toBeNull();
    expect(container.querySelector("strong")?.textContent).toBe("tebal");
  });

  it("shortens a long text until somebody wants the rest", async () => {
    row(message("m3", { content: `${"kata ".repeat(500)}tamat` }));
    expect(screen.queryByText(/tamat/)).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Read more" }));
    expect(screen.getByText(/tamat/)).toBeTruthy();
  });

  it("follows the status that the server tells", () => {
    const { container } = row(message("m4", { isFromMe: true, status: "SENT" }));
    expect(container.querySelector("[data-status=SENT]")).toBeTruthy();
    act(() => store.update((state) => void putMessage(state, message("m4", { isFromMe: true, status: "READ" }))));
    expect(container.querySelector("[data-status=READ]")).toBeTruthy();
  });
});

describe("a table", () => {
  function Names({ rows }: { rows: string[] }) {
    const list = useList("names", async ({ search = "" }) => {
      const found = rows.filter((one) => one.includes(search));
      return { rows: found, page: 1, pages: 1, total: found.length };
    });
    return <DataTable list={list} label="Names" rowKey={(one) => one} columns={[{ title: "Name", cell: (one) => one }]} />;
  }

  it("shows its rows and finds by text", async () => {
    show(<Names rows={["ada", "budi"]} />);
    const table = await screen.findByRole("table");
    expect(within(table).getAllByRole("row").length).toBe(3);
    await userEvent.type(screen.getByRole("searchbox"), "bu");
    await vi.waitFor(() => expect(screen.queryByRole("cell", { name: "ada" })).toBeNull());
    await userEvent.type(screen.getByRole("searchbox"), "zz");
    expect(await screen.findByText("Nothing matches your search.")).toBeTruthy();
  });

  it("says when there is nothing", async () => {
    show(<Names rows={[]} />);
    expect(await screen.findByText("Nothing here yet")).toBeTruthy();
  });
});

describe("a dialog that asks", () => {
  it("wants the name typed, tells a refusal, closes on success and on Escape", async () => {
    const closed = vi.fn<() => void>();
    const run = vi.fn<() => Promise<void>>(async () => undefined).mockRejectedValueOnce(new Error("Not now"));
    show(<Confirm title="Delete?" text="Really" action="Delete" typeToConfirm="Shop" onConfirm={run} onClose={closed} />);
    const dialog = screen.getByRole("alertdialog", { name: "Delete?" });
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete" }));
    expect(within(dialog).getByText("This does not match.")).toBeTruthy();
    expect(run).not.toHaveBeenCalled();
    await userEvent.type(within(dialog).getByRole("textbox"), "Shop");
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete" }));
    expect(await within(dialog).findByText("Not now")).toBeTruthy();
    expect(closed).not.toHaveBeenCalled();
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete" }));
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
    await userEvent.keyboard("{Escape}");
    expect(closed).toHaveBeenCalledTimes(2);
  });
});
