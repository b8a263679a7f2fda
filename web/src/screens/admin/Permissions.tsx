/** Who may use which number: agents as rows, numbers as columns. `?number=` shows one number only (from its row). */
import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Search, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import * as api from "../../data/api";
import type { Permission, PhoneNumber, User } from "../../data/types";
import { useI18n } from "../../i18n";
import { fold } from "../../lib/fold";
import { phone } from "../../lib/format";
import { Avatar, Badge, Empty, ErrorState, Skeleton, Switch } from "../../ui/kit";
import { everyPage, PageFrame, useAction } from "./parts";

/** The rights of one user by number id, and what changes them. */
export function useRights(users: readonly User[]) {
  const client = useQueryClient();
  const act = useAction([]);
  const { t } = useI18n();
  const [busy, setBusy] = useState<string | null>(null);
  const rights = useQueries({ queries: users.map((user) => ({ queryKey: ["permissions", user.id], queryFn: () => api.permissionsOf(user.id) })) });
  const held = (user: User, number: PhoneNumber): Permission | undefined => rights[users.indexOf(user)]?.data?.find((row) => row.whatsappNumberId === number.id);
  const change = async (user: User, number: PhoneNumber, give: boolean) => {
    const id = held(user, number)?.id;
    setBusy(`${user.id} ${number.id}`);
    await act(give ? api.grant(user.id, number.id) : id ? api.revoke(id) : Promise.resolve(), t(give ? "permissions.granted" : "permissions.revoked"));
    await client.invalidateQueries({ queryKey: ["permissions", user.id] });
    setBusy(null);
  };
  return { rights, held, change, isBusy: (user: User, number: PhoneNumber) => busy === `${user.id} ${number.id}` };
}

export const useEverybody = () => {
  const users = useQuery({ queryKey: ["users", "every"], queryFn: () => everyPage(api.users) });
  const numbers = useQuery({ queryKey: ["numbers", "every"], queryFn: () => everyPage(api.numbers) });
  return { users, numbers };
};

const fits = (text: string, ...values: string[]) => values.some((one) => fold(one).includes(fold(text.trim())));

function Matrix({ users, numbers }: { users: User[]; numbers: PhoneNumber[] }) {
  const { t } = useI18n();
  const { rights, held, change, isBusy } = useRights(users);
  const failed = rights.find((one) => one.isError);
  if (failed) return <ErrorState text={failed.error!.message} onRetry={() => void failed.refetch()} />;
  if (rights.some((one) => one.isPending)) return <Skeleton rows={5} />;
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label={t("permissions.matrix")}>
      <table className="matrix">
        <thead>
          <tr>
            <th scope="col">{t("permissions.user")}</th>
            {numbers.map((one) => <th key={one.id} scope="col"><span className="matrix-number">{one.name}<small>{one.phoneNumberFormatted ?? phone(one.phoneNumber)}</small>{!one.isActive && <Badge>{t("inactive")}</Badge>}</span></th>)}
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.id}>
              <th scope="row"><span className="who"><Avatar name={user.name} size={32} /><span><b>{user.name}</b><br /><small>{user.username}</small></span></span></th>
              {numbers.map((number) => (
                <td key={number.id}>
                  <Switch hideLabel label={t("permissions.cell", { user: `${user.name} (${user.username})`, number: number.name })} checked={held(user, number) !== undefined} disabled={isBusy(user, number)} onChange={(give) => void change(user, number, give)} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export default function Permissions() {
  const { t } = useI18n();
  const { users, numbers } = useEverybody();
  const [text, setText] = useState("");
  const failed = [users, numbers].find((one) => one.isError);
  const agents = (users.data ?? []).filter((one) => one.role !== "ADMIN");
  const byUser = agents.filter((one) => fits(text, one.name, one.username));
  const byNumber = (numbers.data ?? []).filter((one) => fits(text, one.name, one.phoneNumber));
  // The text finds agents or numbers; of what it does not find, all stay.
  const shownUsers = byUser.length || byNumber.length === 0 ? byUser : agents;
  const shownNumbers = byNumber.length ? byNumber : (numbers.data ?? []);
  return (
    <PageFrame title={t("nav.permissions")} intro={`${t("permissions.intro")} ${t("permissions.adminAll")}`}>
      <div className="data">
        <div className="data-tools"><div className="search"><Search size={17} aria-hidden /><input type="search" value={text} placeholder={t("table.search")} aria-label={t("table.search")} onChange={(event) => setText(event.target.value)} /></div></div>
        {failed ? <ErrorState text={failed.error!.message} onRetry={() => { void users.refetch(); void numbers.refetch(); }} />
          : users.isPending || numbers.isPending ? <Skeleton rows={5} />
            : agents.length === 0 ? <Empty icon={ShieldCheck} title={t("permissions.noAgents")}><Link className="btn btn-primary" href="/users">{t("permissions.addAgent")}</Link></Empty>
              : numbers.data!.length === 0 ? <Empty icon={ShieldCheck} title={t("permissions.none")}><Link className="btn btn-primary" href="/numbers">{t("numbers.add")}</Link></Empty>
                : shownUsers.length === 0 ? <Empty icon={Search} title={t("search.none")} text={t("table.noMatch")} />
                  : <Matrix users={shownUsers} numbers={shownNumbers} />}
      </div>
    </PageFrame>
  );
}
