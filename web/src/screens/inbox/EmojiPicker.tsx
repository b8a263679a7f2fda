import { useState, type KeyboardEvent } from "react";
import { useI18n, type Key } from "../../i18n";

const groups: { label: Key; list: string }[] = [
  { label: "emoji.faces", list: "😀 😃 😄 😁 😆 😅 😂 🤣 🙂 🙃 😉 😊 😇 🥰 😍 🤩 😘 😋 😜 🤗 🤭 🤔 🤐 😐 😏 😒 🙄 😬 😌 😔 😴 🤒 🤕 🤧 🥵 🥶 🤯 🥳 😎 🤓 😕 😟 🙁 😮 😳 🥺 😢 😭 😱 😤 😡" },
  { label: "emoji.people", list: "👍 👎 👌 ✌️ 🤞 🤝 🙏 👏 🙌 👋 🤚 ✋ 💪 👆 👇 👉 👈 ☝️ 🫶 🤲 🙋 🙆 🙅 🤷 🤦 👨‍💻 👩‍💻 👨‍🍳 👩‍⚕️ 👮 🧑‍🔧 👶 👪" },
  { label: "emoji.hearts", list: "❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💔 💕 💯 💥 💫 ✨ ⭐ 🌟 🔥 🎉 🎊 🎁 🎂 🏆 🥇" },
  { label: "emoji.things", list: "📦 🚚 🛵 ✈️ 🏠 🏢 🏪 🛒 🛍️ 💳 💵 🧾 📄 📎 📌 📍 📅 ⏰ ⏳ 📞 📱 💻 🖨️ 📷 🔧 🔑 🔒 💡 🔋 💊 🩺 ☕ 🍜 🍚 🍕 🍰 🍎 🥭 🌶️" },
  { label: "emoji.signs", list: "✅ ❌ ❗ ❓ ⚠️ 🚫 🔴 🟠 🟡 🟢 🔵 ➡️ ⬅️ ⬆️ ⬇️ 🔁 🆗 🆕 🆓 ☀️ 🌧️ 🌈 🌙 🇮🇩" },
];
const columns = 8;

/** Arrow keys move through the grid; Enter or a click inserts. */
export default function EmojiPicker({ onPick }: { onPick: (emoji: string) => void }) {
  const { t } = useI18n();
  const [at, setAt] = useState(0);
  const all = groups.flatMap((group) => group.list.split(" "));
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(Math.max(at + step, 0), all.length - 1);
    setAt(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-at="${next}"]`)?.focus();
  };
  let index = -1;
  return (
    <div className="emoji" onKeyDown={onKeyDown}>
      {groups.map(({ label, list }) => (
        <section key={label} aria-label={t(label)}>
          <h3>{t(label)}</h3>
          <div className="emoji-grid">
            {list.split(" ").map((emoji) => {
              const mine = ++index;
              return <button key={emoji} type="button" data-at={mine} tabIndex={mine === at ? 0 : -1} onFocus={() => setAt(mine)} onClick={() => onPick(emoji)}>{emoji}</button>;
            })}
          </div>
        </section>
      ))}
    </div>
  );
}
