import { Link2, Link2Off, Pencil, Plus, Power, ShieldCheck, Smartphone, Trash2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import * as api from "../../data/api";
import { ApiError } from "../../data/api";
import { loadNumbers } from "../../data/lists";
import { isAdmin, session } from "../../data/session";
import { useStore } from "../../data/store";
import type { PhoneNumber } from "../../data/types";
import { known, useI18n } from "../../i18n";
import { dateTime, phone } from "../../lib/format";
import { Alert, Badge, Button, Confirm, Dialog, Empty, Switch, TextField } from "../../ui/kit";
import { StatusBadge } from "../../ui/LinkStatus";
import { toast } from "../../ui/toast";
import { Pair } from "./Pair";
import { DataTable, PageFrame, RowMenu, useAction, useForm, useList } from "./parts";

const NumberAccess = lazy(() => import("./NumberAccess"));

function Form({ number, onClose }: { number: PhoneNumber | null; onClose: () => void }) {
  const { t } = useI18n();
  const { form, error, set, submit, busy } = useForm(
    { name: number?.name ?? "", phoneNumber: number ? phone(number.phoneNumber) : "", policies: number?.policies ?? null },
    (f) => {
      const digits = f.phoneNumber.replace(/\D/g, "").length;
      return { ...(f.name.trim() ? {} : { name: t("form.required") }), ...(digits >= 8 && digits <= 15 ? {} : { phoneNumber: f.phoneNumber.trim() ? t("form.phone") : t("form.required") }) };
    },
    async ({ name, phoneNumber, policies }) => {
      const body = { name: name.trim(), phoneNumber: phoneNumber.trim(), ...(policies ? { policies } : {}) };
      try {
        await (number ? api.updateNumber(number.id, body) : api.createNumber(body));
      } catch (failure) {
        const existing = failure instanceof ApiError ? (failure.details.existingNumber as { name?: string } | undefined) : undefined;
        if (existing) throw new ApiError(409, t("numbers.exists", { name: existing.name ?? "" }), { field: "phoneNumber" });
        throw failure;
      }
      await loadNumbers();
    },
    () => { toast(t("form.saved")); onClose(); }, ["numbers"],
  );
  const policies = form.policies;
  return (
    <Dialog title={t(number ? "numbers.editTitle" : "numbers.add")} onClose={onClose} onSubmit={submit}
      footer={<><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" tone="primary" busy={busy}>{t("save")}</Button></>}>
      {error("form") && <Alert>{error("form")}</Alert>}
      <TextField label={t("numbers.name")} value={form.name} error={error("name")} onChange={(event) => set({ name: event.target.value })} />
      <TextField label={t("numbers.phone")} type="tel" inputMode="tel" value={form.phoneNumber} error={error("phoneNumber")} hint={t("numbers.phoneHint")} onChange={(event) => set({ phoneNumber: event.target.value })} />
      {policies && (
        <fieldset className="checks"><legend>{t("policy.title")}</legend>
          {policies.sendReadReceipts !== undefined && <Switch label={t("policy.read")} checked={policies.sendReadReceipts} onChange={(sendReadReceipts) => set({ policies: { ...policies, sendReadReceipts } })} />}
          {policies.sendTyping !== undefined && <Switch label={t("policy.typing")} checked={policies.sendTyping} onChange={(sendTyping) => set({ policies: { ...policies, sendTyping } })} />}
          {policies.minSendIntervalMs !== undefined && <TextField label={t("policy.pace")} type="number" min={0} max={60000} step={100} value={policies.minSendIntervalMs} onChange={(event) => set({ policies: { ...policies, minSendIntervalMs: Math.max(0, Number(event.target.value) || 0) } })} />}
        </fieldset>
      )}
    </Dialog>
  );
}

/** How the link of a number is, live. */
function Health({ number }: { number: PhoneNumber }) {
  const { t, language } = useI18n();
  const link = useStore((state) => state.links.get(number.id));
  return (
    <div className="health">
      <StatusBadge status={link?.status ?? "NONE"} />
      {link?.reason && link.reason !== "not_linked" && link.status !== "CONNECTED" && <small className="bad-text">{known(`link.reason.${link.reason}`) ?? link.reason}</small>}
      {link?.retryAt && link.status !== "CONNECTED" && <small className="bad-text">{t("numbers.restricted", { time: dateTime(link.retryAt, language) })}</small>}
    </div>
  );
}

function LastActive({ id }: { id: number }) {
  const { t, language } = useI18n();
  const at = useStore((state) => state.links.get(id)?.lastConnected);
  return <>{at ? dateTime(at, language) : t("numbers.never")}</>;
}

function Actions({ number, on }: { number: PhoneNumber; on: { access: () => void; edit: () => void; link: () => void; unlink: (sessionId: string) => void; remove: () => void; toggle: () => void } }) {
  const { t } = useI18n();
  const link = useStore((state) => state.links.get(number.id));
  const linked = link !== undefined && link.sessionId !== null && link.status !== "NONE";
  const up = link?.status === "CONNECTED" || link?.status === "RECONNECTING";
  return (
    <span className="row-actions">
      {!up && <Button tone="quiet" icon={Link2} onClick={on.link} aria-label={`${t(linked ? "numbers.relink" : "numbers.link")}: ${number.name}`}>{t("numbers.link")}</Button>}
      <RowMenu name={number.name} actions={[
        { label: t("numbers.access"), icon: ShieldCheck, run: on.access },
        { label: t("edit"), icon: Pencil, run: on.edit },
        { label: t(number.isActive ? "numbers.disable" : "numbers.enable"), icon: Power, run: on.toggle },
        up && { label: t("numbers.unlink"), icon: Link2Off, run: () => on.unlink(link.sessionId!), danger: true },
        { label: t("delete"), icon: Trash2, run: on.remove, danger: true },
      ]} />
    </span>
  );
}

type Open = { kind: "access" | "edit" | "link" | "remove"; number: PhoneNumber } | { kind: "unlink"; number: PhoneNumber; sessionId: string } | { kind: "add" } | null;

export default function Numbers() {
  const { t } = useI18n();
  const admin = isAdmin(session.use()?.user);
  const list = useList("numbers", api.numbers);
  const act = useAction(["numbers"]);
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const add = <Button tone="primary" icon={Plus} onClick={() => setOpen({ kind: "add" })}>{t("numbers.add")}</Button>;
  const changed = async (change: Promise<unknown>, said: string) => {
    await act(change, said);
    await loadNumbers();
  };
  return (
    <PageFrame title={t("nav.numbers")} intro={t("numbers.intro")} actions={admin && add}>
      <DataTable list={list} label={t("nav.numbers")} rowKey={(row) => row.id} empty={<Empty icon={Smartphone} title={t("table.empty")} text={t("numbers.empty")}>{admin && add}</Empty>}
        columns={[
          { title: t("numbers.name"), cell: (row) => <><b>{row.name}</b>{!row.isActive && <> <Badge>{t("inactive")}</Badge></>}<br /><small>{row.phoneNumberFormatted ?? phone(row.phoneNumber)}</small></> },
          { title: t("numbers.status"), cell: (row) => <Health number={row} /> },
          { title: t("numbers.lastActive"), cell: (row) => <LastActive id={row.id} />, hideOnPhone: true },
        ]}
        {...(admin ? { actions: (row: PhoneNumber) => (
          <Actions number={row} on={{
            access: () => setOpen({ kind: "access", number: row }), edit: () => setOpen({ kind: "edit", number: row }), link: () => setOpen({ kind: "link", number: row }), unlink: (sessionId) => setOpen({ kind: "unlink", number: row, sessionId }),
            remove: () => setOpen({ kind: "remove", number: row }), toggle: () => void changed(api.toggleNumber(row.id), t("form.saved")),
          }} />
        ) } : {})} />
      {open?.kind === "add" && <Form number={null} onClose={close} />}
      {open?.kind === "edit" && <Form number={open.number} onClose={close} />}
      {open?.kind === "access" && <Suspense><NumberAccess number={open.number} onClose={close} /></Suspense>}
      {open?.kind === "link" && <Pair number={open.number} onClose={close} />}
      {open?.kind === "unlink" && <Confirm title={t("numbers.unlinkTitle", { name: open.number.name })} text={t("numbers.unlinkText")} action={t("numbers.unlink")} onClose={close}
        onConfirm={async () => { await api.unlinkNumber(open.sessionId); await changed(Promise.resolve(), t("numbers.unlinked")); }} />}
      {open?.kind === "remove" && <Confirm title={t("numbers.deleteTitle", { name: open.number.name })} text={t("numbers.deleteText")} action={t("delete")} typeToConfirm={open.number.name} onClose={close}
        onConfirm={async () => { await api.deleteNumber(open.number.id); await changed(Promise.resolve(), t("form.deleted")); }} />}
    </PageFrame>
  );
}
