/** Short messages in the corner. Spoken politely; errors stay until closed. */
import { AlertTriangle, CheckCircle2, X } from "lucide-react";
import { useEffect } from "react";
import { Local } from "../data/local";
import { useI18n } from "../i18n";
import { IconButton } from "./kit";

interface Toast { id: number; text: string; tone: "good" | "bad" }

const toasts = new Local<Toast[]>("", []);
let nextId = 1;

export function toast(text: string, tone: Toast["tone"] = "good"): void {
  toasts.set([...toasts.get().slice(-3), { id: nextId++, text, tone }]);
}
const close = (id: number) => toasts.set(toasts.get().filter((one) => one.id !== id));

function Item({ toast: { id, text, tone } }: { toast: Toast }) {
  const { t } = useI18n();
  useEffect(() => {
    if (tone === "bad") return;
    const timer = setTimeout(() => close(id), 5_000);
    return () => clearTimeout(timer);
  }, [id, tone]);
  return (
    <li className={`toast toast-${tone}`}>
      {tone === "good" ? <CheckCircle2 size={18} aria-hidden /> : <AlertTriangle size={18} aria-hidden />}
      <span>{text}</span>
      <IconButton label={t("close")} icon={X} size={16} side="left" onClick={() => close(id)} />
    </li>
  );
}

export function Toasts() {
  const { t } = useI18n();
  const list = toasts.use();
  return <section aria-label={t("toasts")} aria-live="polite" className="toasts"><ul>{list.map((one) => <Item key={one.id} toast={one} />)}</ul></section>;
}
