import { FileText, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import * as api from "../../data/api";
import { isAdmin, session } from "../../data/session";
import type { Template } from "../../data/types";
import { useI18n } from "../../i18n";
import { fill } from "../../lib/template";
import { Alert, AreaField, Badge, Button, Confirm, Dialog, Empty, Switch, TextField } from "../../ui/kit";
import { toast } from "../../ui/toast";
import { DataTable, PageFrame, RowMenu, useAction, useForm, useList } from "./parts";

const blank: api.TemplateInput = { name: "", commands: "/", content: "", isActive: true };
const sample = { name: "Siti Rahma", firstName: "Siti", number: "+62 812-3456-789", agent: "Budi", line: "Support", date: "17/09/2025", time: "10:30" };

function Form({ template, onClose }: { template: Template | null; onClose: () => void }) {
  const { t } = useI18n();
  const { form, error, set, submit, busy } = useForm<api.TemplateInput>(
    template ?? blank,
    (f) => ({
      ...(f.name.trim() ? {} : { name: t("form.required") }), ...(f.content.trim() ? {} : { content: t("form.required") }),
      ...(/^\/[\p{L}\p{N}_-]+$/u.test(f.commands.trim()) ? {} : { commands: t("form.command") }),
    }),
    ({ name, commands, content, isActive }) => {
      const body = { name: name.trim(), commands: commands.trim(), content, isActive };
      return template ? api.updateTemplate(template.id, body) : api.createTemplate(body);
    },
    () => { toast(t("form.saved")); onClose(); }, ["templates"],
  );
  return (
    <Dialog title={t(template ? "templates.editTitle" : "templates.add")} onClose={onClose} onSubmit={submit}
      footer={<><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" tone="primary" busy={busy}>{t("save")}</Button></>}>
      {error("form") && <Alert>{error("form")}</Alert>}
      <TextField label={t("templates.name")} value={form.name} error={error("name")} maxLength={100} onChange={(event) => set({ name: event.target.value })} />
      <TextField label={t("templates.command")} value={form.commands} error={error("commands")} maxLength={50} autoCapitalize="none" spellCheck={false} onChange={(event) => set({ commands: event.target.value.startsWith("/") ? event.target.value : `/${event.target.value}` })} />
      <AreaField label={t("templates.content")} value={form.content} error={error("content")} hint={t("templates.contentHint")} onChange={(event) => set({ content: event.target.value })} />
      {form.content.trim() && <div className="preview"><b>{t("templates.preview")}</b><p>{fill(form.content, sample)}</p></div>}
      <Switch label={t("templates.active")} checked={form.isActive} onChange={(isActive) => set({ isActive })} />
    </Dialog>
  );
}

export default function Templates() {
  const { t } = useI18n();
  const admin = isAdmin(session.use()?.user);
  const list = useList("templates", api.templates);
  const act = useAction(["templates"]);
  const [editing, setEditing] = useState<Template | "new" | null>(null);
  const [deleting, setDeleting] = useState<Template | null>(null);
  const add = <Button tone="primary" icon={Plus} onClick={() => setEditing("new")}>{t("templates.add")}</Button>;
  return (
    <PageFrame title={t("nav.templates")} intro={t("templates.intro")} actions={admin && add}>
      <DataTable list={list} label={t("nav.templates")} rowKey={(row) => row.id} empty={<Empty icon={FileText} title={t("table.empty")} text={t("templates.intro")}>{admin && add}</Empty>}
        columns={[
          { title: t("templates.command"), cell: (row) => <code>{row.commands.startsWith("/") ? row.commands : `/${row.commands}`}</code> },
          { title: t("templates.name"), cell: (row) => row.name },
          { title: t("templates.content"), cell: (row) => <span className="clamp">{row.content}</span>, wide: true, hideOnPhone: true },
          { title: t("active"), cell: (row) => <Badge tone={row.isActive ? "good" : "plain"}>{t(row.isActive ? "active" : "inactive")}</Badge> },
        ]}
        {...(admin ? { actions: (row: Template) => (
          <RowMenu name={row.name} actions={[{ label: t("edit"), icon: Pencil, run: () => setEditing(row) }, { label: t("delete"), icon: Trash2, danger: true, run: () => setDeleting(row) }]} />
        ) } : {})} />
      {editing && <Form template={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
      {deleting && <Confirm title={t("templates.deleteTitle", { name: deleting.name })} text={t("templates.deleteText")} action={t("delete")} onClose={() => setDeleting(null)}
        onConfirm={async () => { await api.deleteTemplate(deleting.id); await act(Promise.resolve(), t("form.deleted")); }} />}
    </PageFrame>
  );
}
