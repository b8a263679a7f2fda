import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import * as api from "../../data/api";
import { session } from "../../data/session";
import type { User } from "../../data/types";
import { useI18n } from "../../i18n";
import { dateTime } from "../../lib/format";
import { Alert, Avatar, Badge, Button, Confirm, Dialog, SelectField, TextField } from "../../ui/kit";
import { toast } from "../../ui/toast";
import { DataTable, minPassword, PageFrame, RowMenu, useAction, useForm, useList } from "./parts";

function Form({ user, onClose }: { user: User | null; onClose: () => void }) {
  const { t } = useI18n();
  const { form, error, set, submit, busy } = useForm(
    { name: user?.name ?? "", username: user?.username ?? "", email: user?.email ?? "", role: (user?.role ?? "USER") as string, password: "" },
    (f) => ({
      ...(f.name.trim() ? {} : { name: t("form.required") }), ...(f.username.trim() ? {} : { username: t("form.required") }),
      ...(/^\S+@\S+\.\S+$/.test(f.email.trim()) ? {} : { email: f.email.trim() ? t("form.email") : t("form.required") }),
      ...((user && !f.password) || f.password.length >= minPassword ? {} : { password: t("form.short", { n: minPassword }) }),
    }),
    ({ password, ...rest }) => {
      const body = { ...rest, name: rest.name.trim(), username: rest.username.trim(), email: rest.email.trim(), ...(password ? { password } : {}) };
      return user ? api.updateUser(user.id, body) : api.createUser(body);
    },
    () => { toast(t("form.saved")); onClose(); }, ["users"],
  );
  return (
    <Dialog title={t(user ? "users.editTitle" : "users.add")} onClose={onClose} onSubmit={submit}
      footer={<><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" tone="primary" busy={busy}>{t("save")}</Button></>}>
      {error("form") && <Alert>{error("form")}</Alert>}
      <TextField label={t("users.name")} value={form.name} error={error("name")} autoComplete="off" onChange={(event) => set({ name: event.target.value })} />
      <TextField label={t("users.username")} value={form.username} error={error("username")} autoComplete="off" autoCapitalize="none" onChange={(event) => set({ username: event.target.value })} />
      <TextField label={t("users.email")} type="email" value={form.email} error={error("email")} autoComplete="off" onChange={(event) => set({ email: event.target.value })} />
      <SelectField label={t("users.role")} value={form.role} error={error("role")} onChange={(event) => set({ role: event.target.value })}>
        <option value="USER">{t("role.user")}</option><option value="ADMIN">{t("role.admin")}</option>
      </SelectField>
      <TextField label={t(user ? "users.newPassword" : "users.password")} type="password" value={form.password} error={error("password")} hint={user ? `${t("users.keepPassword")} ${t("form.short", { n: minPassword })}` : t("form.short", { n: minPassword })} autoComplete="new-password" onChange={(event) => set({ password: event.target.value })} />
    </Dialog>
  );
}

export default function Users() {
  const { t, language } = useI18n();
  const me = session.use()?.user;
  const [role, setRole] = useState("");
  const list = useList("users", api.users, role ? { role } : {});
  const act = useAction(["users"]);
  const [editing, setEditing] = useState<User | "new" | null>(null);
  const [deleting, setDeleting] = useState<User | null>(null);
  return (
    <PageFrame title={t("nav.users")} intro={t("users.intro")} actions={<Button tone="primary" icon={Plus} onClick={() => setEditing("new")}>{t("users.add")}</Button>}>
      <DataTable list={list} label={t("nav.users")} rowKey={(row) => row.id}
        filter={<select className="input select" aria-label={t("users.role")} value={role} onChange={(event) => { setRole(event.target.value); list.setPage(1); }}><option value="">{t("all")}</option><option value="ADMIN">{t("role.admin")}</option><option value="USER">{t("role.user")}</option></select>}
        columns={[
          { title: t("users.name"), cell: (row) => <span className="who"><Avatar name={row.name} size={32} /><span><b>{row.name}</b>{row.id === me?.id && <small> ({t("users.you")})</small>}<br /><small>{row.username}</small></span></span> },
          { title: t("users.email"), cell: (row) => row.email, hideOnPhone: true },
          { title: t("users.role"), cell: (row) => <Badge tone={row.role === "ADMIN" ? "info" : "plain"}>{t(row.role === "ADMIN" ? "role.admin" : "role.user")}</Badge> },
          { title: t("users.created"), cell: (row) => dateTime(row.createdAt, language), hideOnPhone: true },
        ]}
        actions={(row) => <RowMenu name={row.name} actions={[{ label: t("edit"), icon: Pencil, run: () => setEditing(row) }, row.id !== me?.id && { label: t("delete"), icon: Trash2, danger: true, run: () => setDeleting(row) }]} />} />
      {editing && <Form user={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
      {deleting && <Confirm title={t("users.deleteTitle", { name: deleting.name })} text={t("users.deleteText")} action={t("delete")} onClose={() => setDeleting(null)}
        onConfirm={async () => { await api.deleteUser(deleting.id); await act(Promise.resolve(), t("form.deleted")); }} />}
    </PageFrame>
  );
}
