/** The frame around every screen after login: navigation, banners, shortcuts, notifications. */
import * as Menu from "@radix-ui/react-dropdown-menu";
import { Keyboard, LogOut, MoreHorizontal, UserRound, WifiOff } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link, Route, Router, Switch, useLocation } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import * as api from "../data/api";
import { connection } from "../data/live";
import { clearDrafts } from "../data/prefs";
import { isAdmin, notice, session, setUser } from "../data/session";
import { useStore } from "../data/store";
import type { User } from "../data/types";
import { useI18n } from "../i18n";
import { Avatar, cx, Denied, Empty, Skeleton, Tip, layer } from "../ui/kit";
import { Logo } from "../ui/Logo";
import { Inbox } from "./inbox/Inbox";
import { unreadChats, useNotifications } from "./notifications";
import { Profile, routes } from "./routes";
import { useShortcuts } from "./shortcuts";

const ShortcutSheet = lazy(() => import("./ShortcutSheet"));

async function signOut(): Promise<void> {
  await api.logout().catch(() => undefined);
  clearDrafts();
  notice.set("signedOut");
  session.set(null);
}

function Banner() {
  const { t } = useI18n();
  const state = connection.use();
  const [late, setLate] = useState(false);
  const wasConnected = useRef(false);
  if (state === "connected") wasConnected.current = true;
  useEffect(() => {
    setLate(false);
    // A short break heals before anybody needs to read about it.
    const timer = setTimeout(() => setLate(true), 1_200);
    return () => clearTimeout(timer);
  }, [state]);
  const bad = late && state !== "connected" && state !== "closed" && state !== "refused";
  return (
    <div role="status" aria-live="polite">
      {bad && <div className="banner"><WifiOff size={17} aria-hidden /> {t(wasConnected.current ? "offline.lost" : "offline.never")}</div>}
    </div>
  );
}

function UserMenu({ user, onShortcuts }: { user: User; onShortcuts: () => void }) {
  const { t } = useI18n();
  const [, navigate] = useLocation();
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <button type="button" className="user-btn" aria-label={t("nav.account", { name: user.name })}><Avatar name={user.name} size={36} /></button>
      </Menu.Trigger>
      <Menu.Portal container={layer}>
        <Menu.Content className="menu" side="right" align="end" sideOffset={8} collisionPadding={8}>
          <Menu.Label className="menu-label"><b>{user.name}</b><span>{isAdmin(user) ? t("role.admin") : t("role.user")} · {user.username}</span></Menu.Label>
          <Menu.Item className="menu-item" onSelect={() => navigate("/profile")}><UserRound size={17} aria-hidden /> {t("nav.profile")}</Menu.Item>
          <Menu.Item className="menu-item" onSelect={onShortcuts}><Keyboard size={17} aria-hidden /> {t("shortcuts.title")}</Menu.Item>
          <Menu.Separator className="menu-line" />
          <Menu.Item className="menu-item" onSelect={() => void signOut()}><LogOut size={17} aria-hidden /> {t("nav.logout")}</Menu.Item>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** Chats that wait, seen from every screen. */
function Unread() {
  const { tn } = useI18n();
  const count = useStore(unreadChats);
  return count > 0 && <span className="unread rail-badge"><span aria-hidden>{count > 99 ? "99+" : count}</span><span className="sr-only">{tn("list.unreadChats", count)}</span></span>;
}

function Nav({ user, onShortcuts }: { user: User; onShortcuts: () => void }) {
  const { t } = useI18n();
  const [path, navigate] = useLocation();
  const allowed = routes.filter((route) => !route.admin || isAdmin(user));
  const primary = 4;
  const isHere = (route: string) => path === route || path.startsWith(`${route}/`) || (route === "/inbox" && path === "/");
  return (
    <nav className="rail" aria-label={t("nav.main")}>
      <span className="rail-logo"><Logo size={30} /></span>
      <ul>
        {allowed.map(({ path: to, label, icon: Icon }, i) => (
          <li key={to} className={cx(i >= primary && "rail-more", i > 0 && allowed[i]!.admin && !allowed[i - 1]!.admin && "rail-group")}>
            <Tip text={t(label)} side="right">
              <Link href={to} className="rail-link" aria-current={isHere(to) ? "page" : undefined}>
                <Icon size={22} aria-hidden /><span className="rail-label">{t(label)}</span>
                {to === "/inbox" && <Unread />}
              </Link>
            </Tip>
          </li>
        ))}
      </ul>
      {allowed.length > primary && (
        <div className="rail-overflow">
          <Menu.Root modal={false}>
            <Menu.Trigger asChild><button type="button" className="rail-link"><MoreHorizontal size={22} aria-hidden /><span className="rail-label">{t("nav.more")}</span></button></Menu.Trigger>
            <Menu.Portal container={layer}>
              <Menu.Content className="menu" side="top" align="end" sideOffset={8} collisionPadding={8}>
                {allowed.slice(primary).map(({ path: to, label, icon: Icon }) => (
                  <Menu.Item key={to} className="menu-item" onSelect={() => navigate(to)}><Icon size={17} aria-hidden /> {t(label)}</Menu.Item>
                ))}
              </Menu.Content>
            </Menu.Portal>
          </Menu.Root>
        </div>
      )}
      <UserMenu user={user} onShortcuts={onShortcuts} />
    </nav>
  );
}

function Screens({ user }: { user: User }) {
  const { t } = useI18n();
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const section = path.split("/")[1] || "inbox";
  const shown = useRef(section);
  const route = routes.find((one) => one.path === `/${section}`);
  const title = section === "profile" ? t("nav.profile") : route ? t(route.label) : t("notFound.title");
  useEffect(() => {
    document.title = `${title} · WaBox`;
    // A new screen was opened: keyboard and screen reader start at its top.
    if (shown.current !== section) main.current?.focus();
    shown.current = section;
  }, [section, title]);
  return (
    <main ref={main} id="main" tabIndex={-1} className={cx("main", `main-${section}`)}>
      <Suspense fallback={<div className="page"><Skeleton /></div>}>
        <Switch>
          {routes.filter((one) => one.screen).map(({ path: to, screen: Screen, admin }) => (
            <Route key={to} path={to}>{admin && !isAdmin(user) ? <div className="page"><Denied heading /></div> : Screen && <Screen />}</Route>
          ))}
          <Route path="/profile"><Profile /></Route>
          <Route path="/">{() => <Inbox user={user} chatId={null} />}</Route>
          <Route path="/inbox/:chatId?">{(params) => <Inbox user={user} chatId={params.chatId ?? null} />}</Route>
          <Route><div className="page"><Empty heading title={t("notFound.title")} text={<Link href="/inbox">{t("notFound.back")}</Link>} /></div></Route>
        </Switch>
      </Suspense>
    </main>
  );
}

function Frame({ user }: { user: User }) {
  const { t } = useI18n();
  const [sheet, setSheet] = useState(false);
  const [path] = useLocation();
  useShortcuts({ "help.sheet": () => setSheet(true) });
  useNotifications();
  useEffect(() => {
    api.me().then(setUser).catch(() => undefined);
  }, []);
  const inChat = /^\/inbox\/./.test(path);
  return (
    <div className={cx("shell", inChat && "shell-chat")}>
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>{t("skip")}</a>
      <Nav user={user} onShortcuts={() => setSheet(true)} />
      <div className="stage">
        <Banner />
        <Screens user={user} />
      </div>
      {sheet && <Suspense><ShortcutSheet onClose={() => setSheet(false)} /></Suspense>}
    </div>
  );
}

export const Shell = ({ user }: { user: User }) => <Router hook={useHashLocation}><Frame user={user} /></Router>;
