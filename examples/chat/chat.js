const socket = io();
const $ = (id) => document.getElementById(id);
let name = null, typingUntil = 0;

function line(text, kind) {
  const li = document.createElement("li");
  li.textContent = text;
  if (kind) li.className = kind;
  $("log").append(li);
  li.scrollIntoView();
}

function state(text) { $("state").textContent = text; }

function join() {
  if (name) socket.emit("join", name, (answer) => answer.error && line(answer.error, "note"));
}

socket.on("connect", () => {
  state(socket.recovered ? "connected again, nothing missed" : `connected by ${socket.io.engine.transport.name}`);
  socket.io.engine.once("upgrade", () => state("connected by websocket"));
  if (!socket.recovered) join();
});
socket.on("disconnect", (reason) => state(`offline: ${reason}`));
socket.on("connect_error", (error) => state(`cannot connect: ${error.message}`));
socket.on("message", (who, text) => line(`${who}: ${text}`));
socket.on("joined", (who) => line(`${who} came in`, "note"));
socket.on("left", (who) => line(`${who} left`, "note"));
socket.on("typing", (who) => {
  $("typing").textContent = `${who} is writing…`;
  typingUntil = Date.now() + 2000;
  setTimeout(() => { if (Date.now() >= typingUntil) $("typing").textContent = ""; }, 2100);
});

$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  name = $("name").value.trim();
  if (!name) return;
  $("who").hidden = true;
  $("say").hidden = false;
  $("text").focus();
  join();
});
$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  socket.timeout(5000).emit("message", text, (error) => line(error ? `not sent: ${text}` : `${text}`, error ? "note" : "own"));
});
$("text").addEventListener("input", () => socket.volatile.emit("typing", ""));
