import { useI18n } from "../i18n";
import { Dialog } from "../ui/kit";
import { keysOf, localShortcuts, shortcuts, type ShortcutName } from "./shortcuts";

const Keys = ({ keys }: { keys: string }) => <span className="keys">{keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</span>;

export default function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Dialog title={t("shortcuts.title")} onClose={onClose} wide>
      <dl className="shortcut-list">
        {(Object.keys(shortcuts) as ShortcutName[]).filter((name) => name !== "help.sheet2").map((name) => (
          <div key={name}><dt>{t(shortcuts[name].label)}</dt><dd><Keys keys={keysOf(name)} />{name === "help.sheet" && <> · <Keys keys={keysOf("help.sheet2")} /></>}</dd></div>
        ))}
        {localShortcuts.map(({ keys, label }) => <div key={label}><dt>{t(label)}</dt><dd><Keys keys={keys} /></dd></div>)}
      </dl>
      <p className="hint">{t("shortcuts.singleHint")}</p>
    </Dialog>
  );
}
