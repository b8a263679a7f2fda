import type { LinkStatus } from "../data/types";
import { useI18n, type Key } from "../i18n";
import { Badge } from "./kit";

const looks: Record<string, { tone: "good" | "warn" | "bad" | "plain" | "info"; label: Key }> = {
  CONNECTED: { tone: "good", label: "link.connected" },
  RECONNECTING: { tone: "warn", label: "link.reconnecting" },
  PAIRING: { tone: "info", label: "link.pairing" },
  PENDING: { tone: "info", label: "link.pending" },
  DISCONNECTED: { tone: "bad", label: "link.disconnected" },
  NONE: { tone: "plain", label: "link.none" },
};

const lookOf = (status: LinkStatus) => looks[status] ?? looks.NONE!;

export function StatusDot({ status, label }: { status: LinkStatus; label?: string }) {
  const { t } = useI18n();
  const look = lookOf(status);
  return <span className={`dot dot-${look.tone}`}><span className="sr-only">{label ?? t(look.label)}</span></span>;
}

export function StatusBadge({ status }: { status: LinkStatus }) {
  const { t } = useI18n();
  const look = lookOf(status);
  return <Badge tone={look.tone}>{t(look.label)}</Badge>;
}
