import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

/**
 * A dialog over the page; on a phone a sheet from below. The browser keeps the focus inside, closes it at Escape and
 * gives the focus back.
 */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  /** It was closed, by whatever means: take it off the page. */
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // The browser would choose the button that closes it again.
    body.current?.querySelector<HTMLElement>('input:not([hidden]), select, button, a[href]')?.focus();
    return () => {
      // It goes from the page as it is: closing it would say that the person did.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does what a tap beside the dialog does
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="sheet">
        <div class="sheet-head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet round" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        <div class="sheet-body" ref={body}>
          {children}
        </div>
      </div>
    </dialog>
  );
}
