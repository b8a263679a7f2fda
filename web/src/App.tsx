import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Component, useEffect, type ReactNode } from "react";
import { ApiError } from "./data/api";
import { startLive } from "./data/live";
import { prefs } from "./data/prefs";
import { session } from "./data/session";
import { t } from "./i18n";
import { Login } from "./screens/Login";
import { Shell } from "./screens/Shell";
import { ErrorState, layer, TipProvider } from "./ui/kit";
import { Toasts } from "./ui/toast";

const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (count, error) => count < 2 && error instanceof ApiError && error.isTemporary && error.status !== 429 },
  },
});

/** The last net: a screen that throws leaves a message and a way out instead of a white page. */
class Net extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError = () => ({ failed: true });
  override render() {
    return this.state.failed ? <main className="alone"><ErrorState text={t("error.page")} onRetry={() => location.reload()} /></main> : this.props.children;
  }
}

export function App() {
  const signedIn = session.use();
  const { theme } = prefs.use();
  useEffect(startLive, []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    document.querySelector("main")?.append(layer);
    if (!signedIn) queries.clear();
  }, [signedIn]);
  return (
    <Net>
      <QueryClientProvider client={queries}>
        <TipProvider>
          {signedIn ? <Shell key={signedIn.user.id} user={signedIn.user} /> : <Login />}
          <Toasts />
        </TipProvider>
      </QueryClientProvider>
    </Net>
  );
}
