import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import * as api from "../../data/api";
import type { Permission, PhoneNumber, User } from "../../data/types";
import { useI18n } from "../../i18n";
import { phone } from "../../lib/format";
import { Alert, Avatar, Badge, cx, Empty, ErrorState, Skeleton, Switch } from "../../ui/kit";
import { DataTable, PageFrame, useAction, useList } from "./parts";

/** Every number, in pages of the server's size. */
async function allNumbers(): Promise<PhoneNumber[]> {
  const out: PhoneNumber[] = [];
  for (let page = 1; ; page++) {
    const got = await api.numbers({ page, limit: 100 });
    out.push(...got.rows);
    if (page >= got.pages || got.rows.length === 0) return out;
  }
}

function Grants({ user }: { user: User }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const act = useAction(["permissions"]);
  const numbers = useQuery({ queryKey: ["numbers", "all"], queryFn: allNumbers });
  const grants = useQuery({ queryKey: ["permissions", user.id], queryFn: () => api.permissionsOf(user.id) });
  const [busy, setBusy] = useState<number | null>(null);
  if (user.role === "ADMIN") return <Alert tone="info">{t("permissions.adminAll")}</Alert>;
  if (numbers.isPending || grants.isPending) return <Skeleton rows={4} />;
  if (numbers.isError || grants.isError) return <ErrorState text={(numbers.error ?? grants.error)!.message} onRetry={() => { void numbers.refetch(); void grants.refetch(); }} />;
  const byNumber = new Map<number, Permission>(grants.data.map((row) => [row.whatsappNumberId, row]));
  const change = async (number: PhoneNumber, give: boolean) => {
    const held = byNumber.get(number.id)?.id;
    setBusy(number.id);
    await act(give ? api.grant(user.id, number.id) : held ? api.revoke(held) : Promise.resolve(), t(give ? "permissions.granted" : "permissions.revoked"));
    await client.invalidateQueries({ queryKey: ["permissions", user.id] });
    setBusy(null);
  };
  if (numbers.data.length === 0) return <Empty title={t("permissions.none")} />;
  return (
    <ul className="grants">
      {numbers.data.map((number) => (
        <li key={number.id}>
          <Switch label={number.name} hint={number.phoneNumberFormatted ?? phone(number.phoneNumber)} checked={byNumber.has(number.id)} disabled={busy === number.id} onChange={(give) => void change(number, give)} />
          {!number.isActive && <Badge>{t("inactive")}</Badge>}
        </li>
      ))}
    </ul>
  );
}

export default function Permissions() {
  const { t } = useI18n();
  const list = useList("users", api.users);
  const [chosen, setChosen] = useState<User | null>(null);
  return (
    <PageFrame title={t("nav.permissions")} intro={t("permissions.intro")}>
      <div className="split">
        <DataTable list={list} label={t("permissions.user")} rowKey={(row) => row.id} columns={[{ title: t("permissions.user"), cell: (row) => (
          <button type="button" className={cx("who who-btn", chosen?.id === row.id && "who-on")} aria-pressed={chosen?.id === row.id} onClick={() => setChosen(row)}>
            <Avatar name={row.name} size={32} /><span><b>{row.name}</b><br /><small>{row.username}</small></span>{row.role === "ADMIN" && <Badge tone="info">{t("role.admin")}</Badge>}
          </button>
        ) }]} />
        <section className="card" aria-label={chosen ? t("permissions.for", { name: chosen.name }) : t("permissions.choose")}>
          {chosen ? <><h2>{t("permissions.for", { name: chosen.name })}</h2><Grants key={chosen.id} user={chosen} /></> : <Empty icon={ShieldCheck} title={t("permissions.choose")} />}
        </section>
      </div>
    </PageFrame>
  );
}
