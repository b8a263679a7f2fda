/** What the administration screens share: the page frame, a searchable paged table, forms with errors by field. */
import * as Menu from "@radix-ui/react-dropdown-menu";
import { keepPreviousData, useMutation, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, MoreVertical, Search } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import { ApiError, type ListQuery } from "../../data/api";
import type { Page } from "../../data/types";
import { useI18n } from "../../i18n";
import { Denied, Empty, ErrorState, IconButton, Skeleton, type Icon, layer } from "../../ui/kit";
import { toast } from "../../ui/toast";
import "../../styles/admin.css";

export function PageFrame({ title, intro, actions, children }: { title: string; intro?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="page">
      <header className="page-head"><div><h1>{title}</h1>{intro && <p>{intro}</p>}</div>{actions && <div className="page-actions">{actions}</div>}</header>
      {children}
    </div>
  );
}

/** The one rule for passwords; the server has the same. */
export const minPassword = 8;

/** All rows of a list, in pages of the server's size. */
export async function everyPage<T>(load: (query: ListQuery) => Promise<Page<T>>): Promise<T[]> {
  const out: T[] = [];
  for (let page = 1; ; page++) {
    const got = await load({ page, limit: 200 });
    out.push(...got.rows);
    if (page >= got.pages || got.rows.length === 0) return out;
  }
}

const pageSize = 20;

/** Search text and page of a list; a new search starts at its first page. */
export function useList<T>(key: string, load: (query: ListQuery) => Promise<Page<T>>, extra: ListQuery = {}) {
  const [search, setSearch] = useState("");
  const [settled, setSettled] = useState("");
  const [page, setPage] = useState(1);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled(search.trim());
      setPage(1);
    }, search ? 250 : 0);
    return () => clearTimeout(timer);
  }, [search]);
  const query = useQuery({ queryKey: [key, settled, page, extra], queryFn: () => load({ page, limit: pageSize, search: settled, ...extra }), placeholderData: keepPreviousData });
  return { query, search, setSearch, page, setPage, settled };
}

type List<T> = { query: UseQueryResult<Page<T>>; search: string; setSearch: (text: string) => void; page: number; setPage: (page: number) => void; settled: string };

export interface Column<T> { title: string; cell: (row: T) => ReactNode; wide?: boolean; hideOnPhone?: boolean }

interface TableProps<T> { list: List<T>; label: string; columns: Column<T>[]; rowKey: (row: T) => string | number; actions?: (row: T) => ReactNode; empty?: ReactNode; filter?: ReactNode; noSearch?: boolean }

export function DataTable<T>({ list, label, columns, rowKey, actions, empty, filter, noSearch }: TableProps<T>) {
  const { t } = useI18n();
  const { search, setSearch } = list;
  return (
    <div className="data">
      {!noSearch && (
        <div className="data-tools">
          <div className="search"><Search size={17} aria-hidden /><input type="search" value={search} placeholder={t("table.search")} aria-label={t("table.search")} onChange={(event) => setSearch(event.target.value)} /></div>
          {filter}
        </div>
      )}
      <TableBody {...{ list, label, columns, rowKey, actions, empty }} />
    </div>
  );
}

interface PlainTable<T> { label: string; columns: Column<T>[]; rowKey: (row: T) => string | number; actions?: ((row: T) => ReactNode) | undefined; rows: readonly T[]; busy?: boolean }

export function Table<T>({ label, columns, rowKey, actions, rows, busy }: PlainTable<T>) {
  const { t } = useI18n();
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table aria-busy={busy ?? false}>
        <thead><tr>{columns.map((column) => <th key={column.title} scope="col" className={column.hideOnPhone ? "phone-hide" : undefined}>{column.title}</th>)}{actions && <th scope="col"><span className="sr-only">{t("table.actions")}</span></th>}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => <td key={column.title} className={[column.wide && "cell-wide", column.hideOnPhone && "phone-hide"].filter(Boolean).join(" ") || undefined}>{column.cell(row)}</td>)}
              {actions && <td className="cell-actions">{actions(row)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What is shown instead of a list that could not be loaded. */
export const LoadError = ({ error, onRetry }: { error: Error; onRetry: () => void }) =>
  error instanceof ApiError && error.status === 403 ? <Denied /> : <ErrorState text={error.message} onRetry={onRetry} />;

function TableBody<T>({ list, label, columns, rowKey, actions, empty }: TableProps<T>) {
  const { t, tn } = useI18n();
  const { query, page, setPage, settled } = list;
  if (query.isPending) return <Skeleton rows={6} />;
  if (query.isError) return <LoadError error={query.error} onRetry={() => void query.refetch()} />;
  const { rows, pages, total } = query.data;
  if (rows.length === 0) return settled ? <Empty icon={Search} title={t("search.none")} text={t("table.noMatch")} /> : <>{empty ?? <Empty title={t("table.empty")} />}</>;
  return (
    <>
      <Table {...{ label, columns, rowKey, actions, rows }} busy={query.isFetching} />
      <nav className="pager" aria-label={t("table.page", { page, pages })}>
        <span role="status">{tn("table.total", total)} · {t("table.page", { page, pages })}</span>
        <span>
          <IconButton label={t("table.previous")} icon={ChevronLeft} side="top" disabled={page <= 1} onClick={() => setPage(page - 1)} />
          <IconButton label={t("table.next")} icon={ChevronRight} side="top" disabled={page >= pages} onClick={() => setPage(page + 1)} />
        </span>
      </nav>
    </>
  );
}

export interface Action { label: string; icon: Icon; run: () => void; danger?: boolean }

export function RowMenu({ name, actions }: { name: string; actions: (Action | false | null | undefined)[] }) {
  const { t } = useI18n();
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild><button type="button" className="icon-btn" aria-label={t("table.more", { name })}><MoreVertical size={18} aria-hidden /></button></Menu.Trigger>
      <Menu.Portal container={layer}>
        <Menu.Content className="menu" align="end" sideOffset={4} collisionPadding={8}>
          {actions.filter((one): one is Action => Boolean(one)).map(({ label, icon: Icon, run, danger }) => (
            // The menu gives the focus back before a dialog takes it, so that the dialog can return it here.
            <Menu.Item key={label} className={danger ? "menu-item menu-danger" : "menu-item"} onSelect={() => setTimeout(run)}><Icon size={17} aria-hidden /> {label}</Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

export type Errors<F> = Partial<Record<keyof F, string>> & { form?: string };

/** Puts the server's refusal under the field it is about, if it says so or names it. */
export function errorsOf<F extends object>(failure: unknown, form: F): Errors<F> {
  if (!(failure instanceof ApiError)) return { form: String(failure) } as Errors<F>;
  const fields = Object.keys(form);
  const details = failure.details;
  const named = typeof details.field === "string" ? details.field : fields.find((field) => typeof details[field] === "string") ?? fields.find((field) => new RegExp(`\\b${field}\\b`, "i").test(failure.message));
  return (named && fields.includes(named) ? { [named]: failure.message } : { form: failure.message }) as Errors<F>;
}

/** A form's values, checks and sending. */
export function useForm<F extends object>(initial: F, check: (form: F) => Errors<F>, send: (form: F) => Promise<unknown>, done: () => void, invalidate: string[]) {
  const client = useQueryClient();
  const [form, setForm] = useState(initial);
  const [errors, setErrors] = useState<Errors<F>>({});
  const mutation = useMutation({
    mutationFn: send,
    onSuccess: async () => {
      await Promise.all(invalidate.map((key) => client.invalidateQueries({ queryKey: [key] })));
      done();
    },
    onError: (failure) => setErrors(errorsOf(failure, form)),
  });
  const submit = () => {
    const found = check(form);
    setErrors(found);
    if (Object.values(found).some(Boolean)) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    if (!mutation.isPending) mutation.mutate(form);
  };
  return { form, errors, error: (field: keyof Errors<F>) => errors[field] as string | undefined, set: (change: Partial<F>) => setForm((old) => ({ ...old, ...change })), submit, busy: mutation.isPending };
}

/** Runs a change, says so, and loads the lists again. */
export function useAction(invalidate: string[]) {
  const client = useQueryClient();
  return async (change: Promise<unknown>, said: string) => {
    try {
      await change;
      toast(said);
    } catch (failure) {
      toast((failure as Error).message, "bad");
    }
    await Promise.all(invalidate.map((key) => client.invalidateQueries({ queryKey: [key] })));
  };
}
