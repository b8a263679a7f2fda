/** Who is behind a chat: a contact with its names and common groups, or a group with its members. */
import { useQuery } from "@tanstack/react-query";
import { Copy, Users, X } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import * as api from "../../data/api";
import { nameOf, putChats, store, useStore } from "../../data/store";
import type { ChatRow, Contact, Group, Member } from "../../data/types";
import { useI18n } from "../../i18n";
import { copyText } from "../../lib/copy";
import { dateTime, phone } from "../../lib/format";
import { Alert, Avatar, Badge, ErrorState, IconButton, Skeleton } from "../../ui/kit";
import { toast } from "../../ui/toast";
import { openChat } from "./Inbox";

const personName = (one: { name: string | null; pushName: string | null; phone: string | null; jid: string }) => one.name ?? one.pushName ?? (one.phone ? phone(one.phone) : one.jid);

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return <div><dt>{label}</dt><dd>{children}</dd></div>;
}

function ContactFacts({ contact, chat }: { contact: Contact; chat: ChatRow }) {
  const { t, language } = useI18n();
  const number = useStore((state) => state.numbers.get(chat.whatsappNumberId));
  const digits = contact.phone;
  const copy = () => void copyText(`+${digits}`).then(() => toast(t("chat.copied")), () => toast(t("error.title"), "bad"));
  return (
    <>
      <dl className="facts">
        <Fact label={t("panel.number")}>
          {digits ? <span className="panel-phone"><a href={`tel:+${digits}`}>{phone(digits)}</a><IconButton label={t("panel.copy")} icon={Copy} size={16} onClick={copy} /></span> : t("panel.noNumber")}
        </Fact>
        {contact.name && <Fact label={t("panel.name")}>{contact.name}</Fact>}
        {contact.pushName && <Fact label={t("panel.pushName")}>{contact.pushName}</Fact>}
        {contact.businessName && <Fact label={t("panel.business")}>{contact.businessName}</Fact>}
        {number && <Fact label={t("panel.via")}>{number.name}</Fact>}
        <Fact label={t("panel.since")}>{dateTime(contact.createdAt, language)}</Fact>
      </dl>
      <h3>{t("panel.groups")}</h3>
      {contact.commonGroups.length === 0 ? <p className="hint">{t("panel.noGroups")}</p> : (
        <ul className="panel-list">
          {contact.commonGroups.map((one) => (
            <li key={one.chatId}><button type="button" className="who who-btn" onClick={() => openChat(one.chatId)}><Avatar name={one.groupName} group={Users} size={36} /><span>{one.groupName}<br /><small>{t("panel.members", { n: one.memberCount })}</small></span></button></li>
          ))}
        </ul>
      )}
    </>
  );
}

function MemberRow({ member, chat }: { member: Member; chat: ChatRow }) {
  const { t } = useI18n();
  const name = personName(member);
  const open = async () => {
    try {
      const to = await api.startChat(chat.whatsappNumberId, member.phone ?? member.jid);
      store.update((state) => putChats(state, to.whatsappNumberId, [to]));
      openChat(to.id);
    } catch (error) {
      toast((error as Error).message, "bad");
    }
  };
  const body = (
    <>
      <Avatar name={name} size={36} />
      <span>{name}{member.phone && name !== phone(member.phone) && <><br /><small>{phone(member.phone)}</small></>}</span>
      {member.isMe ? <Badge tone="info">{t("panel.you")}</Badge> : member.role !== "member" && <Badge>{t(member.role === "owner" ? "panel.owner" : "panel.admin")}</Badge>}
    </>
  );
  return <li>{member.isMe ? <div className="who who-btn">{body}</div> : <button type="button" className="who who-btn" title={t("panel.open", { name })} onClick={() => void open()}>{body}</button>}</li>;
}

function GroupFacts({ group, chat }: { group: Group; chat: ChatRow }) {
  const { t } = useI18n();
  const rank = { owner: 0, admin: 1, member: 2 };
  const members = group.members.toSorted((a, b) => rank[a.role] - rank[b.role] || personName(a).localeCompare(personName(b)));
  return (
    <>
      {group.isGone && <Alert tone="warn">{t("panel.gone")}</Alert>}
      {group.announce && <Alert tone="info">{t("panel.announce")}</Alert>}
      <h3>{t("panel.members", { n: members.length })}</h3>
      <ul className="panel-list">{members.map((one) => <MemberRow key={one.id} member={one} chat={chat} />)}</ul>
    </>
  );
}

export default function ChatPanel({ chat, onClose }: { chat: ChatRow; onClose: () => void }) {
  const { t } = useI18n();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [chat.id]);
  const contact = useQuery({ queryKey: ["contact", chat.id, chat.contactName], queryFn: () => api.contact(chat.contactId!), enabled: chat.contactId != null });
  const group = useQuery({ queryKey: ["group", chat.id], queryFn: () => api.group(chat.id), enabled: chat.isGroup });
  const query = chat.isGroup ? group : contact;
  const title = t(chat.isGroup ? "menu.info.group" : "menu.info.contact");
  return (
    <aside
      className="chat-panel"
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}>
      <header className="panel-head"><h2 ref={heading} tabIndex={-1}>{title}</h2><IconButton label={t("panel.close")} icon={X} onClick={onClose} /></header>
      <div className="panel-body">
        <div className="panel-who"><Avatar name={nameOf(chat)} group={chat.isGroup && Users} size={72} /><p>{nameOf(chat)}</p></div>
        {query.isPending ? <Skeleton rows={4} /> : query.isError ? <ErrorState text={query.error.message} onRetry={() => void query.refetch()} />
          : chat.isGroup ? group.data && <GroupFacts group={group.data} chat={chat} /> : contact.data && <ContactFacts contact={contact.data} chat={chat} />}
      </div>
    </aside>
  );
}
