import * as api from "../../data/api";
import { useI18n } from "../../i18n";
import { dateTime } from "../../lib/format";
import { DataTable, PageFrame, useList } from "./parts";

export default function Audit() {
  const { t, language } = useI18n();
  const list = useList("audit", api.audit);
  return (
    <PageFrame title={t("nav.audit")} intro={t("audit.intro")}>
      <DataTable list={list} label={t("nav.audit")} rowKey={(row) => row.id} columns={[
        { title: t("audit.when"), cell: (row) => <time dateTime={row.at}>{dateTime(row.at, language)}</time> },
        { title: t("audit.who"), cell: (row) => row.actor || "–" },
        { title: t("audit.action"), cell: (row) => <code>{row.action}</code> },
        { title: t("audit.target"), cell: (row) => <span className="clamp">{row.target}</span>, wide: true, hideOnPhone: true },
        { title: t("audit.ip"), cell: (row) => row.ip, hideOnPhone: true },
      ]} />
    </PageFrame>
  );
}
