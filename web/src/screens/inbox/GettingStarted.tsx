import { Smartphone } from "lucide-react";
import { Link } from "wouter";
import { useI18n } from "../../i18n";
import { Empty } from "../../ui/kit";

/** Nobody has given this user a number yet, or there is none at all. */
export function GettingStarted({ admin }: { admin: boolean }) {
  const { t } = useI18n();
  if (!admin) return <Empty icon={Smartphone} title={t("start.agent.title")} text={t("start.agent.text")} />;
  return (
    <Empty icon={Smartphone} title={t("start.admin.title")} text={t("start.admin.text")}>
      <ol className="steps">
        <li><Link href="/profile">{t("start.admin.password")}</Link></li>
        <li><Link href="/numbers">{t("start.admin.number")}</Link></li>
        <li><Link href="/users">{t("start.admin.users")}</Link></li>
      </ol>
    </Empty>
  );
}
