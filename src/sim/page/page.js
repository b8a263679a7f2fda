const $ = (id) => document.getElementById(id);
const say = (text) => { $("said").textContent = text; };

async function call(method, path, body, raw) {
  const answer = await fetch(path, { method, body: raw ?? (body && JSON.stringify(body)) });
  const json = await answer.json();
  if (!json.ok) throw new Error(json.error);
  return json;
}

function element(tag, text, className) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

function button(text, action) {
  const b = element("button", text);
  b.addEventListener("click", () => action().catch((error) => say(error.message)));
  return b;
}

async function showPending() {
  const { pending } = await call("GET", "/admin/mock-phone/pending");
  const rows = pending.map((p) => {
    const li = element("li", `${p.platform || "a client"} ${p.pushName} `);
    if (p.qr) li.append(button("scan", async () => {
      const linked = await call("POST", `/admin/mock-phone/scan-qr?phone=${$("number").value}`, null, p.qr);
      say(`Linked to ${linked.phone}`);
    }));
    else li.append(element("span", "paste its QR text below", "muted"));
    return li;
  });
  $("pending").replaceChildren(...(rows.length ? rows : [element("li", "None now. Press Link in WaBox, or connect a bot.", "muted")]));
}

async function showPhones() {
  const { phones } = await call("GET", "/admin/phones");
  const cards = await Promise.all(phones.map(async (phone) => {
    const { messages } = await call("GET", `/admin/phone/${phone.phone}/messages`);
    const card = element("article");
    const linked = phone.devices.filter((d) => d.id).map((d) => `${d.platform || "device"} ${d.id} ${d.connected ? "online" : "offline"}`);
    card.append(element("h3", `${phone.pushName || "Phone"} +${phone.phone}`), element("p", linked.join(", ") || "no linked device", "muted"));
    const list = element("ol");
    for (const m of messages.slice(-30)) list.append(element("li", `${m.fromMe ? "" : m.from + ": "}${m.text ?? m.kind}`, m.fromMe ? "me" : ""));
    card.append(list);
    return card;
  }));
  $("phones").replaceChildren(...cards);
}

$("scan").addEventListener("submit", (event) => {
  event.preventDefault();
  call("POST", `/admin/mock-phone/scan-qr?phone=${$("number").value}`, null, $("qr").value)
    .then((linked) => { say(`Linked to ${linked.phone}`); $("qr").value = ""; })
    .catch((error) => say(error.message));
});
$("code").addEventListener("submit", (event) => {
  event.preventDefault();
  call("POST", "/admin/mock-phone/enter-code", { code: $("pairing").value })
    .then((linked) => say(`Linked to ${linked.phone}`))
    .catch((error) => say(error.message));
});

async function refresh() {
  try { await showPending(); await showPhones(); } catch (error) { say(error.message); }
  setTimeout(refresh, 1500);
}
refresh();
