import { useState } from 'preact/hooks';
import { Field } from '../frame/form.tsx';

/** As short as a password may be. The relay has the last word. */
const LEAST_CHARS = 10;

/** A password, which can be looked at while it is typed. */
export function PasswordField({
  label,
  value,
  onValue,
  isNew = false,
}: {
  label: string;
  value: string;
  onValue: (value: string) => void;
  /** It is being chosen, not remembered. */
  isNew?: boolean;
}) {
  const [isShown, setShown] = useState(false);
  return (
    <div class="password">
      <Field
        label={label}
        isHidden={!isShown}
        value={value}
        onValue={onValue}
        autocomplete={isNew ? 'new-password' : 'current-password'}
        required
        {...(isNew && {
          minLength: LEAST_CHARS,
          hint: `${LEAST_CHARS} characters or more. A few words in a row are good.`,
        })}
      />
      <button type="button" class="quiet small" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
        {isShown ? 'Hide' : 'Show'}
      </button>
    </div>
  );
}
