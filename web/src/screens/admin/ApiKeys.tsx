import { Copy, KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import * as api from "../../data/api";
import { store } from "../../data/store";
import type { ApiKey } from "../../data/types";
import { useI18n, type Key } from "../../i18n";
import { copyText } from "../../lib/copy";
import { dateTime } from "../../lib/format";
import { Alert, Badge, Button, Confirm, Dialog, Empty, TextField } from "../../ui/kit";
import { toast } from "../../ui/toast";
import { DataTable, PageFrame, RowMenu, useAction, useForm, useList } from "./parts";

const scopes = ["read", "send", "manage"] as const;
const scopeLabel = (scope: string) => `keys.scope.${scope}` as Key;

function Form({ onClose, onCreated }: { onClose: () => void; onCreated: (key: string) => void }) {
  const { t } = useI18n();
  const numbers = [...store.state.numbers.values()];
  const { form, error, set, submit, busy } = useForm(
    { name: "", scopes: ["read"] as string[], numberIds: [] as number[] },
    (f) => ({ ...(f.name.trim() ? {} : { name: t("form.required") }), ...(f.scopes.length ? {} : { scopes: t("form.required") }) }),
    async (f) => {
      const made = await api.createApiKey({ name: f.name.trim(), scopes: f.scopes, ...(f.numberIds.length ? { whatsappNumberIds: f.numberIds } : {}) });
      onCreated(made.key);
    },
    onClose, ["api-keys"],
  );
  const toggle = <T,>(list: T[], one: T) => (list.includes(one) ? list.filter((other) => other !== one) : [...list, one]);
  return (
    <Dialog title={t("keys.add")} onClose={onClose} onSubmit={submit} footer={<><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" tone="primary" busy={busy}>{t("create")}</Button></>}>
      {error("form") && <Alert>{error("form")}</Alert>}
      <TextField label={t("keys.name")} value={form.name} error={error("name")} onChange={(event) => set({ name: event.target.value })} />
      <fieldset className="checks"><legend>{t("keys.scopes")}</legend>
        {scopes.map((scope) => <label key={scope}><input type="checkbox" checked={form.scopes.includes(scope)} onChange={() => set({ scopes: toggle(form.scopes, scope) })} /> {t(scopeLabel(scope))}</label>)}
        {error("scopes") && <p className="field-error">{error("scopes")}</p>}
      </fieldset>
      {numbers.length > 0 && (
        <fieldset className="checks"><legend>{t("keys.numbers")}</legend>
          <label><input type="checkbox" checked={form.numberIds.length === 0} onChange={() => set({ numberIds: [] })} /> {t("keys.allNumbers")}</label>
          {numbers.map((one) => <label key={one.id}><input type="checkbox" checked={form.numberIds.includes(one.id)} onChange={() => set({ numberIds: toggle(form.numberIds, one.id) })} /> {one.name}</label>)}
        </fieldset>
      )}
    </Dialog>
  );
}

function Shown({ value, onClose }: { value: string; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Dialog title={t("keys.key")} onClose={onClose} footer={<Button tone="primary" onClick={onClose}>{t("close")}</Button>}>
      <Alert tone="warn">{t("keys.once")}</Alert>
      <div className="secret"><code data-testid="api-key">{value}</code><Button icon={Copy} onClick={() => void copyText(value).then(() => toast(t("chat.copied")), () => toast(t("error.title"), "bad"))}>{t("keys.copy")}</Button></div>
    </Dialog>
  );
}

export default function ApiKeys() {
  const { t, language } = useI18n();
  const list = useList("api-keys", api.apiKeys);
  const act = useAction(["api-keys"]);
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<ApiKey | null>(null);
  const add = <Button tone="primary" icon={Plus} onClick={() => setAdding(true)}>{t("keys.add")}</Button>;
  const numbersOf = (row: ApiKey) => (row.whatsappNumberIds?.length ? row.whatsappNumberIds.map((id) => store.state.numbers.get(id)?.name ?? `#${id}`).join(", ") : t("keys.allNumbers"));
  return (
    <PageFrame title={t("nav.apiKeys")} intro={t("keys.intro")} actions={add}>
      <DataTable list={list} label={t("nav.apiKeys")} rowKey={(row) => row.id} noSearch empty={<Empty icon={KeyRound} title={t("table.empty")} text={t("keys.intro")}>{add}</Empty>}
        columns={[
          { title: t("keys.name"), cell: (row) => <><b>{row.name}</b>{row.prefix && <><br /><code>{row.prefix}…</code></>}</> },
          { title: t("keys.scopes"), cell: (row) => <span className="badges">{row.scopes.map((scope) => <Badge key={scope}>{t(scopeLabel(scope))}</Badge>)}</span> },
          { title: t("keys.numbers"), cell: numbersOf, hideOnPhone: true },
          { title: t("keys.created"), cell: (row) => dateTime(row.createdAt, language), hideOnPhone: true },
          { title: t("keys.lastUsed"), cell: (row) => (row.lastUsedAt ? dateTime(row.lastUsedAt, language) : t("numbers.never")), hideOnPhone: true },
        ]}
        actions={(row) => <RowMenu name={row.name} actions={[{ label: t("delete"), icon: Trash2, danger: true, run: () => setDeleting(row) }]} />} />
      {adding && <Form onClose={() => setAdding(false)} onCreated={setShown} />}
      {shown && <Shown value={shown} onClose={() => setShown(null)} />}
      {deleting && <Confirm title={t("keys.deleteTitle", { name: deleting.name })} text={t("keys.deleteText")} action={t("delete")} onClose={() => setDeleting(null)}
        onConfirm={async () => { await api.deleteApiKey(deleting.id); await act(Promise.resolve(), t("form.deleted")); }} />}
    </PageFrame>
  );
}
