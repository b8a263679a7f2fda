import { useState } from "react";
import * as api from "../../data/api";
import { putChats, store } from "../../data/store";
import { useI18n } from "../../i18n";
import { phone } from "../../lib/format";
import { Alert, Button, Dialog, SelectField, TextField } from "../../ui/kit";
import { openChat } from "./Inbox";
import { view } from "./view";

const digitsOf = (text: string) => text.replace(/\D/g, "").length;

/** Opens the chat with a number that is not in the list. */
export default function NewChat({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const numbers = [...store.state.numbers.values()].toSorted((a, b) => a.name.localeCompare(b.name));
  const shown = view.get().numberId;
  const [numberId, setNumberId] = useState(numbers.some((one) => one.id === shown) ? shown! : (numbers[0]?.id ?? 0));
  const [to, setTo] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setRefused(null);
    const digits = digitsOf(to);
    if (digits < 8 || digits > 15) return setError(to.trim() ? t("form.phone") : t("form.required"));
    setError(null);
    setBusy(true);
    try {
      const chat = await api.startChat(numberId, to.trim());
      store.update((state) => putChats(state, chat.whatsappNumberId, [chat]));
      onClose();
      openChat(chat.id);
    } catch (failure) {
      setRefused((failure as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("new.title")}
      onClose={onClose}
      onSubmit={() => void open()}
      footer={<><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" tone="primary" busy={busy}>{t("new.open")}</Button></>}>
      {refused && <Alert>{refused}</Alert>}
      <TextField label={t("new.to")} type="tel" inputMode="tel" autoComplete="off" value={to} error={error} hint={t("new.hint")} onChange={(event) => setTo(event.target.value)} />
      {numbers.length > 1 && (
        <SelectField label={t("new.from")} value={numberId} onChange={(event) => setNumberId(Number(event.target.value))}>
          {numbers.map((one) => <option key={one.id} value={one.id}>{`${one.name} (${one.phoneNumberFormatted ?? phone(one.phoneNumber)})`}</option>)}
        </SelectField>
      )}
    </Dialog>
  );
}
