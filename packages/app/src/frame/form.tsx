import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Answer } from '../http/ask.ts';
import type { Problem } from '../http/problem.ts';

export interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  /** What is typed shows as dots. */
  readonly isHidden?: boolean;
  readonly name?: string;
  readonly placeholder?: string;
  readonly autocomplete?: string;
  readonly autocapitalize?: 'none';
  readonly spellcheck?: boolean;
  readonly required?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** One line to fill in, with its label above and what helps below. */
export function Field({ label, hint, value, onValue, isHidden = false, ...rest }: FieldProps) {
  const id = useId();
  const attributes = {
    ...rest,
    id,
    value,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => onValue(event.currentTarget.value),
    ...(hint !== undefined && { 'aria-describedby': `${id}-hint` }),
  };
  return (
    <div class="field">
      <label class="label" for={id}>
        {label}
      </label>
      {isHidden ? <input type="password" {...attributes} /> : <input type="text" {...attributes} />}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** One of a few. */
export function Choice<T extends string>({
  label,
  options,
  value,
  onValue,
}: {
  label: string;
  options: readonly { readonly value: T; readonly label: string; readonly hint?: string }[];
  value: T;
  onValue: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset class="field choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onValue(option.value)}
          />
          <span>
            {option.label}
            {option.hint && <small>{option.hint}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** One of a few that need no explanation, beside each other. */
export function Segments<T extends string>({
  label,
  options,
  value,
  onValue,
}: {
  label: string;
  options: readonly { readonly value: T; readonly label: string }[];
  value: T;
  onValue: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset class="field">
      <legend>{label}</legend>
      <div class="segments">
        {options.map((option) => (
          <label key={option.value}>
            <input
              type="radio"
              name={name}
              checked={option.value === value}
              onChange={() => onValue(option.value)}
            />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** A switch with its words. `onChange` is asked for at each tap; what is shown is `on`. */
export function Switch({
  label,
  on,
  disabled = false,
  onChange,
}: {
  label: ComponentChildren;
  on: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <label class="switch">
      <span class="switch-label">{label}</span>
      <input
        type="checkbox"
        role="switch"
        checked={on}
        aria-checked={on}
        disabled={disabled}
        onChange={(event) => {
          const wanted = event.currentTarget.checked;
          event.currentTarget.checked = on; // until what is behind it has changed
          onChange(wanted);
        }}
      />
    </label>
  );
}

/** Why something did not work, read out at once. */
export function Trouble({ problem }: { problem: Problem | undefined }) {
  return <div role="alert">{problem && <p class="trouble">{problem.words}</p>}</div>;
}

/** Runs one deed at a time: whether it runs, and why the last one came to nothing. */
export function useDeed() {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  async function run<T>(deed: () => Promise<Answer<T>>): Promise<Answer<T> | undefined> {
    if (isBusy) return undefined;
    setBusy(true);
    setProblem(undefined);
    const answer = await deed();
    setBusy(false);
    if (!answer.ok) setProblem(answer.problem);
    return answer;
  }
  return { isBusy, problem, run };
}

/** The button of a form or a deed. Its face says that it runs only when that takes long enough to see. */
export function DeedButton({
  isBusy,
  children,
  kind = '',
  onClick,
}: {
  isBusy: boolean;
  children: ComponentChildren;
  kind?: '' | 'primary' | 'danger' | 'quiet' | 'quiet danger';
  /** Without it the button submits its form. */
  onClick?: () => void;
}) {
  return (
    <button
      type={onClick ? 'button' : 'submit'}
      class={`${kind}${isBusy ? ' busy' : ''}`}
      aria-disabled={isBusy}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else onClick?.();
      }}
    >
      {children}
    </button>
  );
}

/** A form whose submission is a deed. */
export function Form({ onSubmit, children }: { onSubmit: () => void; children: ComponentChildren }) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
