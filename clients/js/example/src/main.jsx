import { useState } from "react";
import { createRoot } from "react-dom/client";
import { useWaBoxSocket } from "@wabox/client/react";

const url = import.meta.env.VITE_WABOX_URL ?? "http://localhost:5000";

function Login({ onToken }) {
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const answer = await fetch(`${url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(event.currentTarget))),
    });
    const body = await answer.json();
    if (answer.ok) onToken(body.token);
    else setError(body.message);
  };
  return (
    <form onSubmit={submit}>
      <label>Username <input name="username" autoComplete="username" /></label>
      <label>Password <input name="password" type="password" autoComplete="current-password" /></label>
      <button>Sign in</button>
      {error && <p role="alert">{error}</p>}
    </form>
  );
}

function Inbox({ token, numberId }) {
  const { isConnected, error, chatList, currentChat, messages, whatsappStatus, qrCode, selectChat, sendMessage } = useWaBoxSocket(token, numberId, { url });
  const [text, setText] = useState("");
  const send = async (event) => {
    event.preventDefault();
    await sendMessage(text);
    setText("");
  };
  return (
    <>
      <p>{isConnected ? "online" : "offline"} · number {numberId}: {whatsappStatus} {error}</p>
      {qrCode && <img src={qrCode} alt="QR code to scan with the phone" />}
      <ul>{chatList.map((chat) => <li key={chat.id}><button onClick={() => selectChat(chat)}>{chat.contactName} ({chat.unreadCount})</button></li>)}</ul>
      {currentChat && (
        <section>
          <h2>{currentChat.contactName}</h2>
          <ol>{messages.map((one) => <li key={one.id}>{one.isFromMe ? "→" : "←"} {one.content} <small>{one.status}</small></li>)}</ol>
          <form onSubmit={send}><input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} /><button disabled={!text}>Send</button></form>
        </section>
      )}
    </>
  );
}

function App() {
  const [token, setToken] = useState(null);
  return token ? <Inbox token={token} numberId={Number(new URLSearchParams(location.search).get("number") ?? 1)} /> : <Login onToken={setToken} />;
}

createRoot(document.getElementById("root")).render(<App />);
