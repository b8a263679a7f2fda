/** What can be done with a chat: the same actions on every screen that shows one. */
import * as Menu from "@radix-ui/react-dropdown-menu";
import { Archive, ArchiveRestore, Bell, BellOff, Info, MailOpen, MessageSquareDot, MoreVertical, Pin, PinOff } from "lucide-react";
import * as api from "../../data/api";
import { isMuted, isUnread, putChats, store } from "../../data/store";
import type { ChatRow } from "../../data/types";
import { useI18n } from "../../i18n";
import { layer, type Icon } from "../../ui/kit";
import { toast } from "../../ui/toast";

const hourMs = 3_600_000;
const forEver = "9999-12-31T23:59:59.999Z";
const inHours = (hours: number) => new Date(Date.now() + hours * hourMs).toISOString();

/** Changes the chat here at once and on the server; what the server refuses is put back. */
export async function changeChat(chat: ChatRow, change: api.ChatChange): Promise<void> {
  try {
    const changed = await api.updateChat(chat.id, change);
    store.update((state) => putChats(state, chat.whatsappNumberId, [changed]));
  } catch (error) {
    toast((error as Error).message, "bad");
  }
}

interface Item { label: string; icon: Icon; run: () => void }

export function ChatMenu({ chat, onDetails, onUnread }: { chat: ChatRow; onDetails: () => void; onUnread: () => void }) {
  const { t } = useI18n();
  const change = (what: api.ChatChange) => () => void changeChat(chat, what);
  const muted = isMuted(chat, Date.now());
  const unread = isUnread(chat);
  const items: Item[] = [
    { label: t(chat.isGroup ? "menu.info.group" : "menu.info.contact"), icon: Info, run: onDetails },
    chat.isPinned ? { label: t("menu.unpin"), icon: PinOff, run: change({ pinned: false }) } : { label: t("menu.pin"), icon: Pin, run: change({ pinned: true }) },
    chat.isArchived ? { label: t("menu.unarchive"), icon: ArchiveRestore, run: change({ archived: false }) } : { label: t("menu.archive"), icon: Archive, run: change({ archived: true }) },
    ...(muted
      ? [{ label: t("menu.unmute"), icon: Bell, run: change({ mutedUntil: null }) }]
      : [
        { label: t("menu.mute8h"), icon: BellOff, run: change({ mutedUntil: inHours(8) }) },
        { label: t("menu.muteWeek"), icon: BellOff, run: change({ mutedUntil: inHours(7 * 24) }) },
        { label: t("menu.muteAlways"), icon: BellOff, run: change({ mutedUntil: forEver }) },
      ]),
    unread
      ? { label: t("menu.read"), icon: MailOpen, run: change({ markedUnread: false }) }
      // An open chat would be read again at once, so it is closed.
      : { label: t("menu.unread"), icon: MessageSquareDot, run: () => { onUnread(); void changeChat(chat, { markedUnread: true }); } },
  ];
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <button type="button" className="icon-btn" aria-label={t("menu.chat")}><MoreVertical size={20} aria-hidden /></button>
      </Menu.Trigger>
      <Menu.Portal container={layer}>
        <Menu.Content className="menu" align="end" sideOffset={4} collisionPadding={8}>
          {items.map(({ label, icon: Icon, run }) => (
            <Menu.Item key={label} className="menu-item" onSelect={() => setTimeout(run)}><Icon size={17} aria-hidden /> {label}</Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
