import { Activity, FileText, Inbox, KeyRound, ScrollText, ShieldCheck, Smartphone, Users } from "lucide-react";
import { lazy, type ComponentType } from "react";
import type { Key } from "../i18n";
import type { Icon } from "../ui/kit";

interface Route { path: string; label: Key; icon: Icon; admin: boolean; screen: ComponentType | null }

/** Everything but the inbox is loaded when first opened. */
export const routes: readonly Route[] = [
  { path: "/inbox", label: "nav.inbox", icon: Inbox, admin: false, screen: null },
  { path: "/dashboard", label: "nav.dashboard", icon: Activity, admin: false, screen: lazy(() => import("./admin/Dashboard")) },
  { path: "/numbers", label: "nav.numbers", icon: Smartphone, admin: false, screen: lazy(() => import("./admin/Numbers")) },
  { path: "/templates", label: "nav.templates", icon: FileText, admin: false, screen: lazy(() => import("./admin/Templates")) },
  { path: "/users", label: "nav.users", icon: Users, admin: true, screen: lazy(() => import("./admin/Users")) },
  { path: "/permissions", label: "nav.permissions", icon: ShieldCheck, admin: true, screen: lazy(() => import("./admin/Permissions")) },
  { path: "/api-keys", label: "nav.apiKeys", icon: KeyRound, admin: true, screen: lazy(() => import("./admin/ApiKeys")) },
  { path: "/audit", label: "nav.audit", icon: ScrollText, admin: true, screen: lazy(() => import("./admin/Audit")) },
];

export const Profile = lazy(() => import("./admin/Profile"));
