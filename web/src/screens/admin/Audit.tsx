import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import * as api from "../../data/api";
import { useI18n } from "../../i18n";
import { dateTime } from "../../lib/format";
import { Button, Empty, Skeleton } from "../../ui/kit";
import { LoadError, PageFrame, Table } from "./parts";

/** Append-only and long, so it is read page by page from the newest on. */
export default function Audit() {
  const { t, language } = useI18n();
  const [text, setText] = useState("");
  const [action, setAction] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAction(text.trim()), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const log = useInfiniteQuery({
    queryKey: ["audit", action], queryFn: ({ pageParam }) => api.audit({ action, limit: 50, ...(pageParam ? { before: pageParam } : {}) }),
    initialPageParam: 0, getNextPageParam: (page) => page.next ?? undefined, placeholderData: keepPreviousData,
  });
  const rows = log.data?.pages.flatMap((page) => page.rows) ?? [];
  return (
    <PageFrame title={t("nav.audit")} intro={t("audit.intro")}>
      <div className="data">
        <div className="data-tools"><div className="search"><Search size={17} aria-hidden /><input type="search" value={text} placeholder={t("audit.search")} aria-label={t("audit.search")} onChange={(event) => setText(event.target.value)} /></div></div>
        {log.isPending ? <Skeleton rows={8} />
          : log.isError && rows.length === 0 ? <LoadError error={log.error} onRetry={() => void log.refetch()} />
            : rows.length === 0 ? <Empty icon={Search} title={t("search.none")} text={t("table.noMatch")} />
              : (
                <>
                  <Table label={t("nav.audit")} rows={rows} rowKey={(row) => row.id} busy={log.isFetching} columns={[
                    { title: t("audit.when"), cell: (row) => <time dateTime={row.at}>{dateTime(row.at, language)}</time> },
                    { title: t("audit.who"), cell: (row) => row.actor || "–" },
                    { title: t("audit.action"), cell: (row) => <code>{row.action}</code> },
                    { title: t("audit.target"), cell: (row) => <span className="clamp">{row.target}</span>, wide: true, hideOnPhone: true },
                    { title: t("audit.ip"), cell: (row) => row.ip, hideOnPhone: true },
                  ]} />
                  {log.hasNextPage && <div className="pager pager-more"><Button busy={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>{t("audit.older")}</Button></div>}
                </>
              )}
      </div>
    </PageFrame>
  );
}
