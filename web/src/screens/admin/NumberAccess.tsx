import { Link } from "wouter";
import type { PhoneNumber } from "../../data/types";
import { useI18n } from "../../i18n";
import { Button, Dialog, ErrorState, Skeleton, Switch } from "../../ui/kit";
import { useEverybody, useRights } from "./Permissions";
import type { User } from "../../data/types";

function Agents({ number, users }: { number: PhoneNumber; users: User[] }) {
  const { t } = useI18n();
  const { rights, held, change, isBusy } = useRights(users);
  if (users.length === 0) return <p>{t("permissions.noAgents")} <Link href="/users">{t("permissions.addAgent")}</Link></p>;
  if (rights.some((one) => one.isPending)) return <Skeleton rows={3} />;
  return (
    <ul className="grants">
      {users.map((user) => (
        <li key={user.id}><Switch label={user.name} hint={user.username} checked={held(user, number) !== undefined} disabled={isBusy(user, number)} onChange={(give) => void change(user, number, give)} /></li>
      ))}
    </ul>
  );
}

/** Who may use one number, from its row. */
export default function NumberAccess({ number, onClose }: { number: PhoneNumber; onClose: () => void }) {
  const { t } = useI18n();
  const { users } = useEverybody();
  return (
    <Dialog title={t("numbers.accessTitle", { name: number.name })} onClose={onClose} footer={<Button tone="primary" onClick={onClose}>{t("close")}</Button>}>
      <p className="hint">{t("permissions.adminAll")}</p>
      {users.isPending ? <Skeleton rows={3} /> : users.isError ? <ErrorState text={users.error.message} onRetry={() => void users.refetch()} /> : <Agents number={number} users={users.data.filter((one) => one.role !== "ADMIN")} />}
    </Dialog>
  );
}
