import { AlertCircle, Check, CheckCheck, Clock } from "lucide-react";
import type { MessageStatus } from "../data/types";
import { useI18n, type Key } from "../i18n";
import type { Icon } from "./kit";

const ticks: Record<MessageStatus, { icon: Icon; label: Key }> = {
  PENDING: { icon: Clock, label: "status.PENDING" }, SENT: { icon: Check, label: "status.SENT" }, DELIVERED: { icon: CheckCheck, label: "status.DELIVERED" },
  READ: { icon: CheckCheck, label: "status.READ" }, FAILED: { icon: AlertCircle, label: "status.FAILED" },
};

/** How far an own message got. */
export function Tick({ status }: { status: MessageStatus }) {
  const { t } = useI18n();
  const { icon: Icon, label } = ticks[status];
  return <span className={`tick tick-${status}`} data-status={status}><Icon size={16} aria-hidden /><span className="sr-only">{t(label)}</span></span>;
}
