/** The small parts every screen is made of. */
import * as RadixSwitch from "@radix-ui/react-switch";
import * as RadixTooltip from "@radix-ui/react-tooltip";
import { AlertTriangle, Check, Inbox, Loader2, Lock, X } from "lucide-react";
import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type ComponentType, type InputHTMLAttributes, type ReactNode, type Ref, type SelectHTMLAttributes, type TextareaHTMLAttributes } from "react";
import { useI18n } from "../i18n";
import { hash, initials } from "../lib/format";

export type Icon = ComponentType<{ size?: number; className?: string; "aria-hidden"?: boolean }>;
export const cx = (...names: (string | false | null | undefined)[]): string => names.filter(Boolean).join(" ");

/** Where menus and tips are put: inside the page's main landmark (App moves it there), so that nothing stands outside of one. */
export const layer = document.createElement("div");

// ---- buttons

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { tone?: "primary" | "plain" | "danger" | "quiet"; busy?: boolean; icon?: Icon; ref?: Ref<HTMLButtonElement> };

export function Button({ tone = "plain", busy, icon: Icon, children, className, disabled, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={cx("btn", `btn-${tone}`, className)} disabled={disabled} aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}>
      {busy ? <Loader2 size={17} className="spin" aria-hidden /> : Icon ? <Icon size={17} aria-hidden /> : null}
      {children}
    </button>
  );
}

export function Tip({ text, side = "bottom", children }: { text: string; side?: "top" | "bottom" | "left" | "right"; children: ReactNode }) {
  return (
    <RadixTooltip.Root>
      <RadixTooltip.Trigger asChild>{children}</RadixTooltip.Trigger>
      <RadixTooltip.Portal container={layer}>
        <RadixTooltip.Content className="tip" side={side} sideOffset={6}>{text}</RadixTooltip.Content>
      </RadixTooltip.Portal>
    </RadixTooltip.Root>
  );
}
export const TipProvider = ({ children }: { children: ReactNode }) => <RadixTooltip.Provider delayDuration={500}>{children}</RadixTooltip.Provider>;

type IconButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { label: string; icon: Icon; side?: "top" | "bottom" | "left" | "right"; size?: number; ref?: Ref<HTMLButtonElement> };

export function IconButton({ label, icon: Icon, side, size = 20, className, ...rest }: IconButtonProps) {
  return (
    <Tip text={label} {...(side ? { side } : {})}>
      <button type="button" aria-label={label} {...rest} className={cx("icon-btn", className)}><Icon size={size} aria-hidden /></button>
    </Tip>
  );
}

// ---- forms

interface FieldProps { label: string; error?: string | null | undefined; hint?: string | undefined; children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ReactNode }

export function Field({ label, error, hint, children }: FieldProps) {
  const id = useId();
  const describedBy = [error && `${id}-e`, hint && `${id}-h`].filter(Boolean).join(" ") || undefined;
  return (
    <div className={cx("field", error && "field-bad")}>
      <label htmlFor={id}>{label}</label>
      {children({ id, describedBy, invalid: Boolean(error) })}
      {hint && <p className="hint" id={`${id}-h`}>{hint}</p>}
      {error && <p className="field-error" id={`${id}-e`}><AlertTriangle size={14} aria-hidden /> {error}</p>}
    </div>
  );
}

type TextProps = InputHTMLAttributes<HTMLInputElement> & { label: string; error?: string | null | undefined; hint?: string | undefined; ref?: Ref<HTMLInputElement> };
export function TextField({ label, error, hint, ...rest }: TextProps) {
  return (
    <Field label={label} error={error} hint={hint}>
      {(f) => <input className="input" {...rest} id={f.id} aria-describedby={f.describedBy} aria-invalid={f.invalid || undefined} />}
    </Field>
  );
}

type AreaProps = TextareaHTMLAttributes<HTMLTextAreaElement> & { label: string; error?: string | null | undefined; hint?: string | undefined };
export function AreaField({ label, error, hint, ...rest }: AreaProps) {
  return (
    <Field label={label} error={error} hint={hint}>
      {(f) => <textarea className="input" rows={5} {...rest} id={f.id} aria-describedby={f.describedBy} aria-invalid={f.invalid || undefined} />}
    </Field>
  );
}

type SelectProps = SelectHTMLAttributes<HTMLSelectElement> & { label: string; error?: string | null | undefined; hint?: string | undefined };
export function SelectField({ label, error, hint, children, ...rest }: SelectProps) {
  return (
    <Field label={label} error={error} hint={hint}>
      {(f) => <select className="input select" {...rest} id={f.id} aria-describedby={f.describedBy} aria-invalid={f.invalid || undefined}>{children}</select>}
    </Field>
  );
}

export function Switch({ label, hint, checked, onChange, disabled, hideLabel }: { label: string; hint?: string | undefined; checked: boolean; onChange: (value: boolean) => void; disabled?: boolean; hideLabel?: boolean }) {
  const id = useId();
  return (
    <div className="switch-row">
      <div className={cx(hideLabel && "sr-only")}>
        <label htmlFor={id}>{label}</label>
        {hint && <p className="hint" id={`${id}-h`}>{hint}</p>}
      </div>
      <RadixSwitch.Root id={id} className="switch" checked={checked} onCheckedChange={onChange} disabled={disabled ?? false} aria-describedby={hint ? `${id}-h` : undefined}>
        <RadixSwitch.Thumb className="switch-thumb" />
      </RadixSwitch.Root>
    </div>
  );
}

// ---- dialogs (the browser's own: focus is kept inside and given back, Escape closes)

interface DialogProps { title: string; onClose: () => void; children: ReactNode; footer?: ReactNode; wide?: boolean; alert?: boolean; onSubmit?: () => void }

export function Dialog({ title, onClose, children, footer, wide, alert, onSubmit }: DialogProps) {
  const { t } = useI18n();
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current!;
    const before = document.activeElement as HTMLElement | null;
    if (!dialog.open) dialog.showModal();
    dialog.querySelector<HTMLElement>(".dialog-body :is(input, textarea, select, [role=tab][data-state=active]), .dialog-foot .btn")?.focus();
    return () => {
      dialog.close();
      if (before?.isConnected) before.focus();
    };
  }, []);
  const content = (
    <>
      <header className="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" className="icon-btn" aria-label={t("close")} onClick={onClose}><X size={20} aria-hidden /></button>
      </header>
      {/* Without fields or buttons in it, only a focusable box can be scrolled by keyboard. */}
      <div className="dialog-body" {...(footer ? {} : { tabIndex: 0, role: "group", "aria-labelledby": id })}>{children}</div>
      {footer && <footer className="dialog-foot">{footer}</footer>}
    </>
  );
  return (
    <dialog ref={ref} className={cx("dialog", wide && "dialog-wide")} aria-labelledby={id} role={alert ? "alertdialog" : undefined}
      // A tip that is shown would take the key for itself.
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      // Some browsers close without asking when Escape is pressed twice in a row.
      onClose={() => { if (ref.current?.isConnected) onClose(); }}
      onMouseDown={(event) => { if (event.target === ref.current) onClose(); }}>
      {onSubmit
        ? <form className="dialog-box" noValidate onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>{content}</form>
        : <div className="dialog-box">{content}</div>}
    </dialog>
  );
}

interface ConfirmProps { title: string; text: ReactNode; action: string; onConfirm: () => Promise<unknown> | void; onClose: () => void; typeToConfirm?: string }

export function Confirm({ title, text, action, onConfirm, onClose, typeToConfirm }: ConfirmProps) {
  const { t } = useI18n();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [typed, setTyped] = useState("");
  const run = async () => {
    if (typeToConfirm && typed.trim() !== typeToConfirm) return setError(t("confirm.typeMismatch"));
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} alert onSubmit={() => void run()}
      footer={<><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" tone="danger" busy={busy}>{action}</Button></>}>
      <p>{text}</p>
      {typeToConfirm && <TextField label={t("confirm.type", { text: typeToConfirm })} value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" />}
      {error && <Alert>{error}</Alert>}
    </Dialog>
  );
}

// ---- states

export const Alert = ({ children, tone = "bad" }: { children: ReactNode; tone?: "bad" | "info" | "warn" | "good" }) => (
  <div className={cx("alert", `alert-${tone}`)} role={tone === "bad" ? "alert" : "status"}>
    {tone === "good" ? <Check size={18} aria-hidden /> : <AlertTriangle size={18} aria-hidden />}
    <div>{children}</div>
  </div>
);

interface EmptyProps { icon?: Icon | undefined; title: string; text?: ReactNode; children?: ReactNode; heading?: boolean }
export const Empty = ({ icon: Icon = Inbox, title, text, children, heading }: EmptyProps) => (
  <div className="empty">
    <span className="empty-icon"><Icon size={30} aria-hidden /></span>
    {heading ? <h1 className="empty-title">{title}</h1> : <p className="empty-title">{title}</p>}
    {text && <p className="empty-text">{text}</p>}
    {children}
  </div>
);

export function ErrorState({ text, onRetry }: { text: string; onRetry?: () => void }) {
  const { t } = useI18n();
  return (
    <div role="alert">
      <Empty icon={AlertTriangle} title={t("error.title")} text={text}>
        {onRetry && <Button tone="primary" onClick={onRetry}>{t("retry")}</Button>}
      </Empty>
    </div>
  );
}

export function Denied({ text, heading, children }: { text?: string; heading?: boolean; children?: ReactNode }) {
  const { t } = useI18n();
  return <Empty icon={Lock} heading={heading ?? false} title={t("denied.title")} text={text ?? t("denied.text")}>{children}</Empty>;
}

export function Skeleton({ rows = 6, kind = "row" }: { rows?: number; kind?: "row" | "chat" | "bubble" }) {
  const { t } = useI18n();
  return (
    <div className={`skeletons skeletons-${kind}`} role="status">
      <span className="sr-only">{t("loading")}</span>
      {Array.from({ length: rows }, (_, i) => <div key={i} className={`skeleton skeleton-${kind}`} aria-hidden><i /><b /><b /></div>)}
    </div>
  );
}

export const Badge = ({ tone = "plain", children }: { tone?: "plain" | "good" | "warn" | "bad" | "info"; children: ReactNode }) => <span className={`badge badge-${tone}`}>{children}</span>;

export function Avatar({ name, group, size = 44 }: { name: string; group?: Icon | false; size?: number }) {
  const Group = group || null;
  return (
    <span className="avatar" data-hue={hash(name) % 8} data-size={size} data-initials={Group ? undefined : initials(name)} aria-hidden>
      {Group && <Group size={Math.round(size * 0.5)} aria-hidden />}
    </span>
  );
}

/** Text that only screen readers get, spoken when it changes. */
export const Live = ({ text, assertive }: { text: string; assertive?: boolean }) => (
  <div className="sr-only" role={assertive ? "alert" : "status"} aria-live={assertive ? "assertive" : "polite"}>{text}</div>
);
