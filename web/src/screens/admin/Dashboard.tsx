import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Activity, MessageSquareDashed } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import * as api from "../../data/api";
import { live } from "../../data/live";
import { slotStarts, spans, sum, toSlots, type Slot, type Span } from "../../data/stats";
import { store, useStore } from "../../data/store";
import { useI18n } from "../../i18n";
import { clock, count, dayMonth, duration } from "../../lib/format";
import { Empty, Skeleton } from "../../ui/kit";
import { StatusBadge } from "../../ui/LinkStatus";
import { Bars } from "./Bars";
import { LoadError, PageFrame } from "./parts";

/** After a message, the figures are asked for again, but not more often than this. */
const freshMs = 2_000;

/** The next "round" number: 1, 2 or 5 times a power of ten, even so that its half is whole. */
function roundCount(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(2, value)));
  return Math.max(2, [1, 2, 4, 6, 10].map((step) => step * power).find((step) => step >= value) ?? value);
}

const minute = 60_000;
const roundTimes = [10_000, 20_000, minute, 2 * minute, 4 * minute, 10 * minute, 20 * minute, 60 * minute, 120 * minute];
const roundTime = (ms: number): number => roundTimes.find((one) => one >= ms) ?? Math.ceil(ms / (240 * minute)) * 240 * minute;

function useFigures(span: Span, number: number | null, enabled: boolean) {
  const query = useQuery({
    queryKey: ["stats", span, number], enabled, placeholderData: keepPreviousData, refetchInterval: 60_000,
    queryFn: async () => {
      const starts = slotStarts(span, Date.now());
      return { span, slots: toSlots(await api.stats({ from: starts[0]!, ...(number === null ? {} : { whatsappNumberId: number }) }), starts) };
    },
  });
  const { refetch } = query;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live()?.on("message:new", () => { timer ??= setTimeout(() => { timer = undefined; void refetch(); }, freshMs); });
    return () => {
      stop?.();
      clearTimeout(timer);
    };
  }, [refetch]);
  return query;
}

/** Nothing, or a time that is never shown as none. */
function useTime() {
  const { t } = useI18n();
  const words = { s: t("unit.s"), min: t("unit.min"), h: t("unit.h") };
  return (ms: number | null) => (ms === null || ms === 0 ? "–" : ms < 1_000 ? `< ${duration(1_000, words)}` : duration(ms, words));
}

const Tile = ({ label, value }: { label: string; value: string }) => <div className="tile"><dt>{label}</dt><dd>{value}</dd></div>;

/** How the numbers' links stand now; follows the live events. */
function States({ only }: { only: number | null }) {
  const { t, language } = useI18n();
  const version = useStore((state) => state.numbersVersion);
  const counts = useMemo(() => {
    const map = new Map<string, number>();
    for (const id of only === null ? store.state.numbers.keys() : [only]) {
      const status = store.state.links.get(id)?.status ?? "NONE";
      map.set(status, (map.get(status) ?? 0) + 1);
    }
    return [...map].sort(([, a], [, b]) => b - a);
  }, [version, only]);
  return <section className="card card-wide" aria-label={t("dash.states")}><h2>{t("dash.states")}</h2><ul className="states">{counts.map(([status, n]) => <li key={status}><StatusBadge status={status} /><b>{count(n, language)}</b></li>)}</ul></section>;
}

function Charts({ slots, span }: { slots: Slot[]; span: Span }) {
  const { t, tn, language } = useI18n();
  const all = sum(slots);
  const time = useTime();
  const first = t(span === 1 ? "dash.hour" : "dash.day");
  const messages = t(span === 1 ? "dash.perHour" : "dash.perDay");
  const label = (start: number) => (span === 1 ? clock : dayMonth)(new Date(start).toISOString(), language);
  return (
    <>
      <section className="card" aria-label={messages}>
        <h2>{messages}</h2>
        {all.received + all.sent === 0 ? <Empty icon={MessageSquareDashed} title={t("dash.quiet")} />
          : <Bars title={messages} first={first} series={[t("dash.incoming"), t("dash.outgoing")]} format={(n) => count(n, language)} scale={roundCount} rows={slots.map((one) => ({ label: label(one.start), values: [one.received, one.sent] }))} />}
      </section>
      <section className="card" aria-label={t("dash.response")}>
        <h2>{t("dash.response")} <small>{tn("dash.answers", all.responses)}</small></h2>
        {all.averageMs === null ? <Empty icon={MessageSquareDashed} title={t("dash.noAnswers")} text={t("dash.noAnswersText")} />
          : <Bars title={t("dash.response")} first={first} series={[t("dash.average")]} note={t("dash.longest")} format={time} scale={roundTime} rows={slots.map((one) => ({ label: label(one.start), values: [one.averageMs ?? 0], note: time(one.longestMs) }))} />}
      </section>
    </>
  );
}

function Tiles({ slots }: { slots: Slot[] }) {
  const { t, language } = useI18n();
  const users = useQuery({ queryKey: ["realtime"], queryFn: api.realtime, refetchInterval: 15_000 });
  const all = sum(slots);
  const time = useTime();
  return (
    <dl className="tiles">
      <Tile label={t("dash.incoming")} value={count(all.received, language)} /><Tile label={t("dash.outgoing")} value={count(all.sent, language)} />
      <Tile label={t("dash.answered")} value={count(all.responses, language)} /><Tile label={t("dash.average")} value={time(all.averageMs)} />
      <Tile label={t("dash.longest")} value={time(all.longestMs)} /><Tile label={t("dash.agents")} value={users.data ? count(users.data.connectedUsers, language) : "–"} />
    </dl>
  );
}

export default function Dashboard() {
  const { t } = useI18n();
  const version = useStore((state) => state.numbersVersion);
  const ready = useStore((state) => state.numbersReady);
  const numbers = useMemo(() => [...store.state.numbers.values()].sort((a, b) => a.name.localeCompare(b.name)), [version]);
  const [picked, setPicked] = useState<number | null>(null);
  const [span, setSpan] = useState<Span>(1);
  // A number that was taken away meanwhile is no choice any more.
  const chosen = numbers.some((one) => one.id === picked) ? picked : null;
  const figures = useFigures(span, chosen, numbers.length > 0);
  const none = ready && numbers.length === 0;
  const actions = !none && (
    <>
      <div className="segments" role="group" aria-label={t("dash.span")}>
        {spans.map((one) => <button key={one} type="button" aria-pressed={span === one} onClick={() => setSpan(one)}>{t(`dash.span.${one}`)}</button>)}
      </div>
      {numbers.length > 1 && (
        <select className="input select" aria-label={t("dash.number")} value={chosen ?? ""} onChange={(event) => setPicked(event.target.value ? Number(event.target.value) : null)}>
          <option value="">{t("numbers.all")}</option>{numbers.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
        </select>
      )}
    </>
  );
  return (
    <PageFrame title={t("nav.dashboard")} intro={t("dash.intro")} actions={actions}>
      {none ? <Empty icon={Activity} title={t("dash.none")} text={t("dash.noneText")} />
        : figures.isPending ? <Skeleton rows={6} />
          : figures.isError ? <LoadError error={figures.error} onRetry={() => void figures.refetch()} />
            : (
              <>
                <Tiles slots={figures.data.slots} />
                <div className="charts"><Charts slots={figures.data.slots} span={figures.data.span} /><States only={chosen} /></div>
              </>
            )}
    </PageFrame>
  );
}
