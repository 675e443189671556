import type { ComponentChildren } from 'preact';

/** The bar at the top: the way home, a title, and on the right what the page wants to say. */
export function Header({ title = 'Perch', children }: { title?: string; children?: ComponentChildren }) {
  return (
    <header>
      <a href="#/" aria-label="All streams">
        <img src="/icon.svg" alt="" />
      </a>
      <h1>{title}</h1>
      {children && <span class="aside">{children}</span>}
    </header>
  );
}
