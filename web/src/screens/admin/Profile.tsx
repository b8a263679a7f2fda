import { useState } from "react";
import * as api from "../../data/api";
import { prefs, setPrefs, type Language, type Theme } from "../../data/prefs";
import { session, setUser } from "../../data/session";
import type { User } from "../../data/types";
import { useI18n } from "../../i18n";
import { Alert, Button, SelectField, Switch, TextField } from "../../ui/kit";
import { toast } from "../../ui/toast";
import { askNotifications } from "../notifications";
import { minPassword, PageFrame, useForm } from "./parts";

function Account({ user }: { user: User }) {
  const { t } = useI18n();
  const { form, error, set, submit, busy } = useForm(
    { name: user.name, email: user.email },
    (f) => ({ ...(f.name.trim() ? {} : { name: t("form.required") }), ...(/^\S+@\S+\.\S+$/.test(f.email.trim()) ? {} : { email: t("form.email") }) }),
    async (f) => setUser((await api.updateMe({ name: f.name.trim(), email: f.email.trim() })).user),
    () => toast(t("form.saved")), ["users"],
  );
  return (
    <form className="card" noValidate onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <h2>{t("profile.me")}</h2>
      {error("form") && <Alert>{error("form")}</Alert>}
      <p className="hint">{t("users.username")}: <b>{user.username}</b></p>
      <TextField label={t("users.name")} value={form.name} error={error("name")} autoComplete="name" onChange={(event) => set({ name: event.target.value })} />
      <TextField label={t("users.email")} type="email" value={form.email} error={error("email")} autoComplete="email" onChange={(event) => set({ email: event.target.value })} />
      <Button type="submit" tone="primary" busy={busy}>{t("save")}</Button>
    </form>
  );
}

const noPasswords = { currentPassword: "", newPassword: "", repeat: "" };

function Password({ username }: { username: string }) {
  const { t } = useI18n();
  const { form, error, set, submit, busy } = useForm(
    noPasswords,
    (f) => ({
      ...(f.currentPassword ? {} : { currentPassword: t("form.required") }), ...(f.newPassword.length >= minPassword ? {} : { newPassword: t("form.short", { n: minPassword }) }),
      ...(f.repeat === f.newPassword ? {} : { repeat: t("profile.mismatch") }),
    }),
    async ({ currentPassword, newPassword }) => {
      const answer = await api.updateMe({ currentPassword, newPassword });
      const now = session.get();
      // A server that ends all sessions of the old password hands out a new token.
      if (answer.token && now) session.set({ ...now, token: answer.token });
    },
    () => { toast(t("profile.changed")); set(noPasswords); }, [],
  );
  return (
    <form className="card" noValidate onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <h2>{t("profile.password")}</h2>
      {error("form") && <Alert>{error("form")}</Alert>}
      <input type="hidden" name="username" autoComplete="username" value={username} readOnly />
      <TextField label={t("profile.current")} type="password" value={form.currentPassword} error={error("currentPassword")} autoComplete="current-password" onChange={(event) => set({ currentPassword: event.target.value })} />
      <TextField label={t("profile.new")} type="password" value={form.newPassword} error={error("newPassword")} hint={t("form.short", { n: minPassword })} autoComplete="new-password" onChange={(event) => set({ newPassword: event.target.value })} />
      <TextField label={t("profile.repeat")} type="password" value={form.repeat} error={error("repeat")} autoComplete="new-password" onChange={(event) => set({ repeat: event.target.value })} />
      <Button type="submit" tone="primary" busy={busy}>{t("profile.password")}</Button>
    </form>
  );
}

export default function Profile() {
  const { t } = useI18n();
  const user = session.use()?.user;
  const p = prefs.use();
  const [blocked, setBlocked] = useState(false);
  const notify = async (wanted: boolean) => {
    setBlocked(false);
    if (!wanted) return setPrefs({ notifications: false });
    setBlocked(!(await askNotifications()));
  };
  if (!user) return null;
  return (
    <PageFrame title={t("profile.title")}>
      <div className="cards">
        <Account user={user} />
        <Password username={user.username} />
        <section className="card" aria-label={t("profile.look")}>
          <h2>{t("profile.look")}</h2>
          <SelectField label={t("profile.language")} value={p.language} onChange={(event) => setPrefs({ language: event.target.value as Language })}>
            <option value="en" lang="en">English</option><option value="id" lang="id">Bahasa Indonesia</option>
          </SelectField>
          <SelectField label={t("profile.theme")} value={p.theme} onChange={(event) => setPrefs({ theme: event.target.value as Theme })}>
            {(["system", "light", "dark"] as Theme[]).map((one) => <option key={one} value={one}>{t(`profile.theme.${one}`)}</option>)}
          </SelectField>
        </section>
        <section className="card" aria-label={t("profile.work")}>
          <h2>{t("profile.work")}</h2>
          <SelectField label={t("profile.undo")} value={p.undoSeconds} onChange={(event) => setPrefs({ undoSeconds: Number(event.target.value) })}>
            <option value={0}>{t("profile.undo.off")}</option>{[3, 5, 10].map((n) => <option key={n} value={n}>{t("profile.undo.seconds", { n })}</option>)}
          </SelectField>
          <Switch label={t("profile.notify")} hint={t("profile.notifyHint")} checked={p.notifications} onChange={(wanted) => void notify(wanted)} />
          {blocked && <Alert tone="warn">{t("profile.notifyDenied")}</Alert>}
          <Switch label={t("profile.singleKeys")} hint={t("profile.singleKeysHint")} checked={p.singleKeys} onChange={(singleKeys) => setPrefs({ singleKeys })} />
        </section>
      </div>
    </PageFrame>
  );
}
