/** Linking a number: by QR with a countdown, or by a pairing code typed on the phone. */
import * as Tabs from "@radix-ui/react-tabs";
import { CheckCircle2, Copy, RefreshCw } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import * as api from "../../data/api";
import { loadNumbers } from "../../data/lists";
import { store, useStore } from "../../data/store";
import type { PhoneNumber, Session } from "../../data/types";
import { useI18n } from "../../i18n";
import { copyText } from "../../lib/copy";
import { phone } from "../../lib/format";
import { Alert, Button, cx, Dialog, Live } from "../../ui/kit";
import { toast } from "../../ui/toast";

function useStart(numberId: number, method: "qr" | "code") {
  const [result, setResult] = useState<Session | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(true);
  const run = useRef(0);
  const start = useCallback(async () => {
    const mine = ++run.current;
    setBusy(true);
    setError(null);
    store.update((state) => { state.qr.delete(numberId); });
    try {
      const session = await api.linkNumber(numberId, method);
      if (mine === run.current) setResult(session);
      void loadNumbers();
    } catch (failure) {
      if (mine === run.current) setError((failure as Error).message);
    }
    if (mine === run.current) setBusy(false);
  }, [numberId, method]);
  useEffect(() => {
    void start();
    return () => { run.current++; };
  }, [start]);
  return { result, error, busy, start };
}

/** WhatsApp takes a pairing code for three minutes. */
const codeSeconds = 180;

/** Seconds until a moment, ticking. */
function useSecondsTo(at: string | undefined): number | null {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return at ? Math.max(0, Math.ceil((Date.parse(at) - now) / 1000)) : null;
}

const shownPhone = (number: PhoneNumber) => number.phoneNumberFormatted ?? phone(number.phoneNumber);

function Steps({ last, number }: { last: string; number: PhoneNumber }) {
  const { t } = useI18n();
  return <ol className="steps"><li>{t("pair.step1")} <b className="pair-phone">{t("pair.expected", { phone: shownPhone(number) })}</b></li><li>{t("pair.step2")}</li><li>{last}</li></ol>;
}

function ByQr({ number }: { number: PhoneNumber }) {
  const { t } = useI18n();
  const { result, error, busy, start } = useStart(number.id, "qr");
  const event = useStore((state) => state.qr.get(number.id));
  const [polled, setPolled] = useState<{ qrCode: string; expiresAt: string } | null>(null);
  // The event brings every new code. The answer of the start has the first one; its end is asked for once.
  useEffect(() => {
    if (!result?.id || event) return;
    api.sessionQr(result.id).then(setPolled).catch(() => undefined);
  }, [result?.id, event]);
  const code = event ?? polled ?? (result?.qrCode ? { qrCode: result.qrCode, expiresAt: "" } : null);
  const seconds = useSecondsTo(code?.expiresAt || undefined);
  const expired = seconds === 0;
  const image = code && code.qrCode.startsWith("data:image/") ? code.qrCode : null;
  return (
    <div className="pair">
      <div className="qr" aria-busy={busy}>
        {image ? <img src={image} alt={t("pair.qrAlt")} width={264} height={264} className={expired ? "qr-old" : undefined} data-testid="qr" /> : <div className="qr-wait" role="status">{error ? "" : t("pair.waiting")}</div>}
        {seconds !== null && !expired && <p className="qr-time"><progress max={60} value={Math.min(60, seconds)} aria-hidden /> {t("pair.newIn", { seconds })}</p>}
        {(expired || error) && <Button icon={RefreshCw} busy={busy} onClick={() => void start()}>{t("pair.refresh")}</Button>}
      </div>
      <div><Steps number={number} last={t("pair.step3")} />{error && <Alert>{error}</Alert>}</div>
    </div>
  );
}

function ByCode({ number }: { number: PhoneNumber }) {
  const { t } = useI18n();
  const { result, error, busy, start } = useStart(number.id, "code");
  const until = useMemo(() => (result?.pairingCode ? new Date(Date.now() + codeSeconds * 1_000).toISOString() : undefined), [result]);
  const seconds = useSecondsTo(until);
  const expired = seconds === 0;
  return (
    <div className="pair">
      <div className="qr" aria-busy={busy}>
        {result?.pairingCode ? (
          <>
            <p className={cx("pair-code", expired && "pair-old")}><span className="sr-only">{t("pair.code")}: </span><output data-testid="pairing-code">{result.pairingCode}</output></p>
            {expired ? <p className="qr-time" role="status">{t("pair.codeExpired")}</p> : seconds !== null && <p className="qr-time"><progress max={codeSeconds} value={seconds} aria-hidden /> {t("pair.codeLeft", { seconds })}</p>}
            {!expired && <Button icon={Copy} onClick={() => void copyText(result.pairingCode!).then(() => toast(t("chat.copied")), () => toast(t("error.title"), "bad"))}>{t("pair.copyCode")}</Button>}
          </>
        ) : <div className="qr-wait" role="status">{error ? "" : t("pair.waiting")}</div>}
        {(error || result) && <Button icon={RefreshCw} busy={busy} onClick={() => void start()}>{t("pair.refresh")}</Button>}
      </div>
      <div><Steps number={number} last={t("pair.step3code")} />{error && <Alert>{error}</Alert>}</div>
    </div>
  );
}

/** Another phone than the number's own scanned the code. */
function WrongPhone({ number, scanned, onAgain }: { number: PhoneNumber; scanned: string; onAgain: () => void }) {
  const { t } = useI18n();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const accept = async () => {
    setBusy(true);
    try {
      await api.acceptPhone(number.id, scanned);
      await loadNumbers();
      onAgain();
    } catch (failure) {
      setError((failure as Error).message);
      setBusy(false);
    }
  };
  return (
    <div className="pair-wrong" data-testid="wrong-phone">
      <Alert tone="warn"><b>{t("pair.wrongTitle")}</b><p>{t("pair.wrongText", { scanned: phone(scanned), name: number.name, expected: shownPhone(number) })}</p></Alert>
      {error && <Alert>{error}</Alert>}
      <div className="pair-choice">
        <Button tone="primary" icon={RefreshCw} onClick={onAgain}>{t("pair.refresh")}</Button>
        <Button busy={busy} onClick={() => void accept()}>{t("pair.accept", { phone: phone(scanned) })}</Button>
      </div>
      <p className="hint">{t("pair.acceptHint", { phone: phone(scanned) })}</p>
    </div>
  );
}

export function Pair({ number, onClose }: { number: PhoneNumber; onClose: () => void }) {
  const { t } = useI18n();
  const [method, setMethod] = useState("qr");
  const link = useStore((state) => state.links.get(number.id));
  const connected = link?.status === "CONNECTED";
  const [again, setAgain] = useState(0);
  const scanned = link?.reason === "wrong_phone" && link.status === "DISCONNECTED" ? link.scannedPhone : null;
  const end = () => {
    void loadNumbers();
    onClose();
  };
  return (
    <Dialog title={t("pair.title", { name: number.name })} onClose={end} wide footer={connected ? <Button tone="primary" onClick={end}>{t("pair.done")}</Button> : undefined}>
      <Live text={connected ? t("pair.scanned") : ""} />
      {connected
        ? <div className="pair-done"><CheckCircle2 size={64} aria-hidden /><p>{t("pair.scanned")}</p></div>
        : scanned ? <WrongPhone number={number} scanned={scanned} onAgain={() => {
          store.update((state) => { state.links.set(number.id, { ...link!, reason: null, scannedPhone: null }); });
          setAgain(again + 1);
        }} />
        : (
          <Tabs.Root key={again} value={method} onValueChange={setMethod}>
            <Tabs.List className="tabs" aria-label={t("pair.title", { name: number.name })}>
              <Tabs.Trigger className="tab" value="qr">{t("pair.byQr")}</Tabs.Trigger>
              <Tabs.Trigger className="tab" value="code">{t("pair.byCode")}</Tabs.Trigger>
            </Tabs.List>
            <Tabs.Content value="qr"><ByQr number={number} /></Tabs.Content>
            <Tabs.Content value="code"><ByCode number={number} /></Tabs.Content>
          </Tabs.Root>
        )}
    </Dialog>
  );
}
