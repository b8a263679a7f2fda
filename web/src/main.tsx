import { createRoot } from "react-dom/client";
import { App } from "./App";
import { startI18n } from "./i18n";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/kit.css";
import "./styles/shell.css";
import "./styles/inbox.css";

await startI18n();
createRoot(document.getElementById("root")!).render(<App />);
