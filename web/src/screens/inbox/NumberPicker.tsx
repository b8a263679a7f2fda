import * as Menu from "@radix-ui/react-dropdown-menu";
import { Check, ChevronDown } from "lucide-react";
import { useMemo } from "react";
import { store, useStore } from "../../data/store";
import { useI18n } from "../../i18n";
import { phone } from "../../lib/format";
import { layer } from "../../ui/kit";
import { StatusDot } from "../../ui/LinkStatus";
import { setView, view } from "./view";

/** Chooses whose chats are shown, and tells at a glance whether each number is linked. */
export function NumberPicker() {
  const { t, tn } = useI18n();
  const { numberId } = view.use();
  const version = useStore((state) => state.numbersVersion);
  const { numbers, down } = useMemo(() => {
    const all = [...store.state.numbers.values()].sort((a, b) => a.name.localeCompare(b.name));
    return { numbers: all, down: all.filter((one) => store.state.links.get(one.id)?.status !== "CONNECTED").length };
  }, [version]);
  const chosen = numbers.find((one) => one.id === numberId);
  const status = (id: number) => store.state.links.get(id)?.status ?? "NONE";
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <button type="button" className="picker" aria-label={`${t("numbers.choose")}: ${chosen?.name ?? t("numbers.all")}`}>
          {chosen ? <StatusDot status={status(chosen.id)} /> : down > 0 ? <StatusDot status="DISCONNECTED" label={tn("numbers.down", down)} /> : <StatusDot status="CONNECTED" label={t("numbers.allUp")} />}
          <span>{chosen?.name ?? t("numbers.all")}</span> <ChevronDown size={16} aria-hidden />
        </button>
      </Menu.Trigger>
      <Menu.Portal container={layer}>
        <Menu.Content className="menu menu-scroll" align="end" sideOffset={6} collisionPadding={8}>
          <Menu.RadioGroup value={String(chosen?.id ?? "")} onValueChange={(value) => setView({ numberId: value ? Number(value) : null })}>
            <Menu.RadioItem className="menu-item" value=""><span className="menu-check"><Menu.ItemIndicator><Check size={16} aria-hidden /></Menu.ItemIndicator></span>{t("numbers.all")}</Menu.RadioItem>
            {numbers.map((one) => (
              <Menu.RadioItem key={one.id} className="menu-item" value={String(one.id)}>
                <span className="menu-check"><Menu.ItemIndicator><Check size={16} aria-hidden /></Menu.ItemIndicator></span>
                <span className="menu-two"><span>{one.name}</span><small>{one.phoneNumberFormatted ?? phone(one.phoneNumber)}</small></span>
                <StatusDot status={status(one.id)} />
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
