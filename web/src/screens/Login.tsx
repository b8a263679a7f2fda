import { Eye, EyeOff } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import * as api from "../data/api";
import { ApiError } from "../data/api";
import { prefs, setPrefs, type Language } from "../data/prefs";
import { notice, session } from "../data/session";
import { useI18n } from "../i18n";
import { Alert, Button, Field, IconButton, TextField } from "../ui/kit";
import { Logo } from "../ui/Logo";

function useLogin() {
  const { t } = useI18n();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async (username: string, password: string) => {
    setBusy(true);
    setError(null);
    try {
      const { user, token } = await api.login(username, password);
      notice.set(null);
      session.set({ user, token });
    } catch (failure) {
      const status = failure instanceof ApiError ? failure.status : 0;
      setError(status === 401 ? t("login.wrong") : status === 429 ? t("login.tooMany") : status === 0 ? t("error.network") : (failure as Error).message);
    }
    setBusy(false);
  };
  return { busy, error, submit };
}

export function Login() {
  const { t, language } = useI18n();
  const { busy, error, submit } = useLogin();
  const why = notice.use();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const [missing, setMissing] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const second = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = `${t("login.title")} · WaBox`;
    first.current?.focus();
  }, [t, language]);
  const send = () => {
    setMissing(!username.trim() || !password);
    if (!username.trim()) return first.current?.focus();
    if (!password) return second.current?.focus();
    void submit(username.trim(), password);
  };
  return (
    <main className="login">
      <div className="login-card">
        <Logo size={48} />
        <h1>{t("login.title")}</h1>
        <p className="login-sub">{t("login.subtitle")}</p>
        {why === "expired" && <Alert tone="warn">{t("login.expired")}</Alert>}
        {why === "signedOut" && <Alert tone="good">{t("login.signedOut")}</Alert>}
        {error && <Alert>{error}</Alert>}
        <form noValidate onSubmit={(event) => { event.preventDefault(); if (!busy) send(); }}>
          <TextField ref={first} label={t("login.username")} value={username} autoComplete="username" autoCapitalize="none" spellCheck={false}
            error={missing && !username.trim() ? t("form.required") : null} onChange={(event) => setUsername(event.target.value)} />
          <Field label={t("login.password")} error={missing && !password ? t("form.required") : null}>
            {(f) => (
              <div className="input-with">
                <input ref={second} className="input" id={f.id} type={shown ? "text" : "password"} value={password} autoComplete="current-password"
                  aria-describedby={f.describedBy} aria-invalid={f.invalid || undefined} onChange={(event) => setPassword(event.target.value)} />
                <IconButton label={shown ? t("login.hide") : t("login.show")} icon={shown ? EyeOff : Eye} onClick={() => setShown(!shown)} />
              </div>
            )}
          </Field>
          <Button type="submit" tone="primary" className="btn-block" busy={busy}>{busy ? t("login.busy") : t("login.submit")}</Button>
        </form>
        <details className="login-first">
          <summary>{t("login.first.title")}</summary>
          <p>{t("login.first.text")}</p>
          <p>{t("login.first.forgot")}</p>
        </details>
        <div className="login-languages" role="group" aria-label={t("profile.language")}>
          {(["en", "id"] as Language[]).map((code) => (
            <button key={code} type="button" lang={code} aria-pressed={prefs.get().language === code} onClick={() => setPrefs({ language: code })}>
              {code === "en" ? "English" : "Bahasa Indonesia"}
            </button>
          ))}
        </div>
      </div>
    </main>
  );
}
