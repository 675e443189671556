import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** A page: its title, the way back where it lies below another, what can be done, and what it shows. */
export function Page({
  title,
  back,
  actions,
  width = '',
  children,
}: {
  title: string;
  back?: { readonly href: string; readonly label: string };
  actions?: ComponentChildren;
  /** How much of a large window it uses; text is best in a narrow column. */
  width?: '' | 'roomy' | 'wide';
  children: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title);
  // With the page itself: what reads it aloud is told once, and of this page.
  useLayoutEffect(() => {
    // Who came by keyboard or hears the page goes on at its begin. The first page is read by itself.
    if (hasNavigated) heading.current?.focus({ preventScroll: true });
    hasNavigated = true;
    scrollTo(0, 0);
  }, []);
  return (
    <div class={`page ${width}`}>
      <header class="page-head">
        {back && (
          <a class="button quiet round" href={back.href} aria-label={back.label}>
            <Icon name="back" />
          </a>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions && <div class="aside">{actions}</div>}
      </header>
      <main id="content">{children}</main>
    </div>
  );
}

let hasNavigated = false;

/** The title of the window while this is shown. */
export function useTitle(title: string): void {
  useLayoutEffect(() => {
    document.title = title === 'Perch' ? title : `${title} – Perch`;
    return () => {
      document.title = 'Perch';
    };
  }, [title]);
}
