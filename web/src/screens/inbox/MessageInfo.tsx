import { useQuery } from "@tanstack/react-query";
import * as api from "../../data/api";
import { useI18n, type Key } from "../../i18n";
import { dateTime } from "../../lib/format";
import { plain } from "../../lib/rich";
import { Dialog, ErrorState, Skeleton } from "../../ui/kit";
import { Tick } from "../../ui/Tick";

/** Who sent it, and when it was sent, delivered and read. */
export default function MessageInfo({ id, onClose }: { id: string; onClose: () => void }) {
  const { t, language } = useI18n();
  const info = useQuery({ queryKey: ["message", id], queryFn: () => api.message(id), staleTime: 0 });
  const message = info.data;
  return (
    <Dialog title={t("info.title")} onClose={onClose}>
      {info.isPending ? <Skeleton rows={3} /> : !message ? <ErrorState text={info.error?.message ?? ""} onRetry={() => void info.refetch()} /> : (
        <>
          <blockquote className="info-text" dir="auto">{plain(message.content, message)}</blockquote>
          <dl className="facts">
            <div><dt>{t("info.by")}</dt><dd>{message.isFromMe ? message.sentBy?.name ?? t("chat.phone") : message.fromName ?? message.fromNumber}</dd></div>
            <div><dt>{t("info.at")}</dt><dd>{dateTime(message.timestamp, language)}</dd></div>
            {message.isFromMe && <div><dt>{t("info.status")}</dt><dd className="info-status"><Tick status={message.status} /> {t(`status.${message.status}`)}</dd></div>}
            {message.editedAt && <div><dt>{t("chat.edited")}</dt><dd>{dateTime(message.editedAt, language)}</dd></div>}
            {message.timeline?.map((step) => {
              const label = `status.${step.status}` as Key;
              return <div key={`${step.status} ${step.at}`}><dt>{t(label) ?? step.status}</dt><dd>{dateTime(step.at, language)}</dd></div>;
            })}
          </dl>
        </>
      )}
    </Dialog>
  );
}
