import { useQuery } from "@tanstack/react-query";
import { Activity } from "lucide-react";
import { useMemo, useState } from "react";
import * as api from "../../data/api";
import { live } from "../../data/live";
import { bandCounts, computeStats, percentile } from "../../data/stats";
import { store, useStore } from "../../data/store";
import { useI18n, type Key } from "../../i18n";
import { clock, count, duration } from "../../lib/format";
import { Alert, Empty, ErrorState, Skeleton } from "../../ui/kit";
import { StatusBadge } from "../../ui/LinkStatus";
import { Bars } from "./Bars";
import { PageFrame } from "./parts";

const perRequest = 1000;
/** Events read per number; beyond that the page says that it shows the newest only. */
const perNumber = 10_000;
const numbersAtOnce = 12;
const dayMs = 86_400_000;

/** The newest events of a number. The log is read forward, from as far back as the budget allows. */
async function newestEvents(numberId: number, budget: number): Promise<{ rows: api.LogRow[]; partial: boolean }> {
  const last = live()?.resume[numberId] ?? 0;
  const start = Math.max(0, last - budget);
  const rows: api.LogRow[] = [];
  for (let after = start; ; ) {
    const page = await api.eventLog(numberId, after, perRequest);
    rows.push(...page);
    const end = page.at(-1)?.seq;
    if (end === undefined || end <= after || rows.length >= budget + perRequest) break;
    after = end;
  }
  const first = rows.find((row) => row.event === "message:new");
  const firstAt = Date.parse((first?.data.message as { timestamp?: string } | undefined)?.timestamp ?? "");
  return { rows, partial: start > 0 && firstAt > Date.now() - dayMs };
}

async function load(numberIds: number[]) {
  const budget = Math.max(1000, Math.floor((perNumber * 4) / Math.max(4, numberIds.length)));
  const out: { rows: api.LogRow[]; partial: boolean }[] = [];
  for (let i = 0; i < numberIds.length; i += numbersAtOnce) out.push(...(await Promise.all(numberIds.slice(i, i + numbersAtOnce).map((id) => newestEvents(id, budget)))));
  return { rows: out.flatMap((one) => one.rows), partial: out.some((one) => one.partial) };
}

const Tile = ({ label, value }: { label: string; value: string }) => <div className="tile"><dt>{label}</dt><dd>{value}</dd></div>;

function States() {
  const { t, language } = useI18n();
  const version = useStore((state) => state.numbersVersion);
  const counts = useMemo(() => {
    const map = new Map<string, number>();
    for (const id of store.state.numbers.keys()) {
      const status = store.state.links.get(id)?.status ?? "NONE";
      map.set(status, (map.get(status) ?? 0) + 1);
    }
    return [...map];
  }, [version]);
  return <section className="card" aria-label={t("dash.states")}><h2>{t("dash.states")}</h2><ul className="states">{counts.map(([status, n]) => <li key={status}><StatusBadge status={status} /><b>{count(n, language)}</b></li>)}</ul></section>;
}

export default function Dashboard() {
  const { t, tn, language } = useI18n();
  const version = useStore((state) => state.numbersVersion);
  const ready = useStore((state) => state.numbersReady);
  const numbers = useMemo(() => [...store.state.numbers.values()], [version]);
  const [chosen, setChosen] = useState<number | null>(null);
  const ids = chosen !== null ? [chosen] : numbers.map((one) => one.id);
  const log = useQuery({ queryKey: ["dashboard", ids.join()], queryFn: () => load(ids), enabled: ids.length > 0, refetchInterval: 60_000 });
  const users = useQuery({ queryKey: ["realtime"], queryFn: api.realtime, refetchInterval: 15_000 });
  const stats = useMemo(() => computeStats(log.data?.rows ?? [], Date.now()), [log.data]);
  const words = { s: t("unit.s"), min: t("unit.min"), h: t("unit.h") };
  const time = (share: number) => {
    const value = percentile(stats.responses, share);
    return value === null ? "–" : duration(value, words);
  };
  const picker = numbers.length > 1 && (
    <select className="input select" aria-label={t("dash.number")} value={chosen ?? ""} onChange={(event) => setChosen(event.target.value ? Number(event.target.value) : null)}>
      <option value="">{t("numbers.all")}</option>{numbers.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
    </select>
  );
  return (
    <PageFrame title={t("nav.dashboard")} intro={t("dash.intro")} actions={picker}>
      {ready && ids.length === 0 ? <Empty icon={Activity} title={t("dash.none")} />
        : log.isPending ? <Skeleton rows={6} />
          : log.isError ? <ErrorState text={log.error.message} onRetry={() => void log.refetch()} />
            : (
              <>
                {log.data.partial && <Alert tone="info">{t("dash.partial")}</Alert>}
                <dl className="tiles">
                  <Tile label={t("dash.incoming")} value={count(stats.incoming, language)} /><Tile label={t("dash.outgoing")} value={count(stats.outgoing, language)} />
                  <Tile label={t("dash.median")} value={time(0.5)} /><Tile label={t("dash.p90")} value={time(0.9)} />
                  <Tile label={t("dash.waiting")} value={count(stats.waiting, language)} /><Tile label={t("dash.agents")} value={users.data ? count(users.data.connectedUsers, language) : "–"} />
                </dl>
                <div className="charts">
                  <section className="card" aria-label={t("dash.perHour")}>
                    <h2>{t("dash.perHour")}</h2>
                    <Bars title={t("dash.perHour")} first={t("dash.hour")} series={[t("dash.incoming"), t("dash.outgoing")]} rows={stats.hours.map((one) => ({ label: clock(new Date(one.start).toISOString(), language), values: [one.incoming, one.outgoing] }))} />
                  </section>
                  <section className="card" aria-label={t("dash.response")}>
                    <h2>{t("dash.response")} <small>{tn("dash.answers", stats.responses.length)}</small></h2>
                    <Bars title={t("dash.response")} first={t("dash.response")} series={[t("dash.response")]} rows={bandCounts(stats.responses).map((n, i) => ({ label: t(`dash.band.${i}` as Key), values: [n] }))} />
                  </section>
                  <States />
                </div>
              </>
            )}
    </PageFrame>
  );
}
