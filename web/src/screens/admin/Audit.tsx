import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { KeyRound, Search } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import * as api from "../../data/api";
import { store } from "../../data/store";
import type { AuditRow } from "../../data/types";
import { known, useI18n, type Key } from "../../i18n";
import { dateTime } from "../../lib/format";
import { Badge, Button, Empty, Skeleton } from "../../ui/kit";
import { everyPage, LoadError, PageFrame, Table } from "./parts";

/** Kinds of actions: an action, or the beginning of several. */
const kinds = ["login", "login.failed", "user.", "number.", "session.", "permission.", "send", "chat.", "template.", "api-key."] as const;

/** Where what an action was about can be looked at. */
const places: Record<string, (id: string) => string> = {
  chat: (id) => `/inbox/${id}`, user: () => "/users", number: () => "/numbers", session: () => "/numbers", template: () => "/templates", "api-key": () => "/api-keys",
};

function Target({ row }: { row: AuditRow }) {
  const [kind = "", id = ""] = row.target.split(":");
  const place = places[kind]?.(id);
  const names = [row.targetName, row.numberName].filter((one): one is string => Boolean(one));
  const text = names.length ? [...new Set(names)].join(" · ") : row.target;
  return (
    <span className="clamp">
      {text && (place ? <Link href={place}>{text}</Link> : text)}
      {row.details && <><br /><small>{row.details}</small></>}
    </span>
  );
}

function Actor({ row }: { row: AuditRow }) {
  const { t } = useI18n();
  return (
    <>
      {row.actorId ? <Link href="/users">{row.actor}</Link> : <i>{t("audit.nobody")}</i>}
      {row.apiKeyId !== null && <><br /><small className="audit-key"><KeyRound size={13} aria-hidden /> <Link href="/api-keys">{t("audit.byKey", { name: row.apiKeyName ?? `#${row.apiKeyId}` })}</Link></small></>}
    </>
  );
}

function Action({ action }: { action: string }) {
  const name = known(`audit.action.${action}`);
  return <>{name ? <>{action === "login.failed" ? <Badge tone="bad">{name}</Badge> : <b>{name}</b>}<br /></> : null}<code>{action}</code></>;
}

/** Append-only and long, so it is read page by page from the newest on. */
export default function Audit() {
  const { t, language } = useI18n();
  const [action, setAction] = useState("");
  const [userId, setUserId] = useState(0);
  const [whatsappNumberId, setNumberId] = useState(0);
  const users = useQuery({ queryKey: ["users", "every"], queryFn: () => everyPage(api.users) });
  const numbers = [...store.state.numbers.values()].toSorted((a, b) => a.name.localeCompare(b.name));
  const filter = { action, userId: userId || undefined, whatsappNumberId: whatsappNumberId || undefined };
  const log = useInfiniteQuery({
    queryKey: ["audit", filter], queryFn: ({ pageParam }) => api.audit({ ...filter, limit: 50, ...(pageParam ? { before: pageParam } : {}) }),
    initialPageParam: 0, getNextPageParam: (page) => page.next ?? undefined, placeholderData: keepPreviousData,
  });
  // "login" is also the beginning of "login.failed".
  const rows = (log.data?.pages.flatMap((page) => page.rows) ?? []).filter((row) => action !== "login" || row.action === "login");
  return (
    <PageFrame title={t("nav.audit")} intro={t("audit.intro")}>
      <div className="data">
        <div className="data-tools">
          <select className="input select" aria-label={t("audit.kind")} value={action} onChange={(event) => setAction(event.target.value)}>
            <option value="">{t("audit.kind.all")}</option>
            {kinds.map((one) => <option key={one} value={one}>{t(`audit.kind.${one}` as Key)}</option>)}
          </select>
          <select className="input select" aria-label={t("audit.user")} value={userId} onChange={(event) => setUserId(Number(event.target.value))}>
            <option value={0}>{t("audit.anybody")}</option>
            {users.data?.map((one) => <option key={one.id} value={one.id}>{`${one.name} (${one.username})`}</option>)}
          </select>
          {numbers.length > 0 && (
            <select className="input select" aria-label={t("audit.number")} value={whatsappNumberId} onChange={(event) => setNumberId(Number(event.target.value))}>
              <option value={0}>{t("numbers.all")}</option>
              {numbers.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
            </select>
          )}
        </div>
        {log.isPending ? <Skeleton rows={8} />
          : log.isError && rows.length === 0 ? <LoadError error={log.error} onRetry={() => void log.refetch()} />
            : rows.length === 0 ? <Empty icon={Search} title={t("search.none")} text={t("table.noMatch")} />
              : (
                <>
                  <Table label={t("nav.audit")} rows={rows} rowKey={(row) => row.id} busy={log.isFetching} columns={[
                    { title: t("audit.when"), cell: (row) => <time dateTime={row.at}>{dateTime(row.at, language)}</time> },
                    { title: t("audit.who"), cell: (row) => <Actor row={row} /> },
                    { title: t("audit.action"), cell: (row) => <Action action={row.action} /> },
                    { title: t("audit.target"), cell: (row) => <Target row={row} />, wide: true, hideOnPhone: true },
                    { title: t("audit.ip"), cell: (row) => row.ip, hideOnPhone: true },
                  ]} />
                  {log.hasNextPage && <div className="pager pager-more"><Button busy={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>{t("audit.older")}</Button></div>}
                </>
              )}
      </div>
    </PageFrame>
  );
}
