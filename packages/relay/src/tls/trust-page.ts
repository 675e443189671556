import type { Ca } from './ca.ts';

/** A kind of machine, and how it is told to trust an authority. */
interface Platform {
  readonly name: string;
  /** What its browsers say of themselves. */
  readonly agent: RegExp;
  /** Steps, as HTML. */
  readonly steps: readonly string[];
  /** They are choices, each for another program. */
  readonly isChoice?: boolean;
}

export const CA_FILE = '/trust/perch-ca.crt';

// The first that fits is opened: Android says Linux too.
const platforms: readonly Platform[] = [
  {
    name: 'iPhone and iPad',
    agent: /iPhone|iPad/,
    steps: [
      'Open this page in <b>Safari</b>, tap the button above, and <b>Allow</b> the download.',
      '<b>Settings → General → VPN &amp; Device Management</b>: tap the Perch profile, then <b>Install</b>.',
      '<b>Settings → General → About → Certificate Trust Settings</b>: switch Perch on.',
    ],
  },
  {
    name: 'Android',
    agent: /Android/,
    steps: [
      'Tap the button above to download the file.',
      '<b>Settings → Security and privacy → More security settings → Encryption and credentials → Install a certificate → CA certificate</b> (a search for “certificate” in the settings finds it): <b>Install anyway</b>, and choose the file.',
      'Firefox only: <b>Settings → About Firefox</b>, tap its logo five times; then <b>Settings → Secret settings → Use third party CA certificates</b>.',
    ],
  },
  {
    name: 'Windows',
    agent: /Windows/,
    steps: [
      'Download the file, open it, and press <b>Install Certificate…</b>',
      'Choose <b>Current User</b>, then <b>Place all certificates in the following store → Browse… → Trusted Root Certification Authorities</b>.',
      '<b>Finish</b>, and <b>Yes</b> where Windows asks whether the fingerprint is right.',
    ],
  },
  {
    name: 'Mac',
    agent: /Macintosh/,
    steps: [
      'Download the file and open it: <b>Keychain Access</b> takes it into the keychain <b>login</b>.',
      'Find Perch there, open it with a double click, open <b>Trust</b>, and choose <b>When using this certificate: Always Trust</b>.',
      'Firefox only: <b>Settings → Privacy &amp; Security → Certificates → View Certificates… → Authorities → Import…</b>',
    ],
  },
  {
    name: 'Linux',
    isChoice: true,
    agent: /Linux|X11/,
    steps: [
      'Chrome and Chromium: <b>Settings → Privacy and security → Security → Manage certificates → Installed by you → Import</b>, or <code>certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Perch -i perch-ca.crt</code>',
      'Firefox: <b>Settings → Privacy &amp; Security → Certificates → View Certificates… → Authorities → Import…</b>, and trust it to identify websites.',
      'curl and other programs (Debian, Ubuntu): <code>sudo cp perch-ca.crt /usr/local/share/ca-certificates/ &amp;&amp; sudo update-ca-certificates</code>',
    ],
  },
];

/** `/trust`: how to make a machine trust the relay's own authority. @param program what the browser says it is. */
export function trustPage(authority: Ca, program: string): string {
  const here = platforms.find(({ agent }) => agent.test(program));
  const details = platforms.map(
    (platform) => `<details${platform === here ? ' open' : ''}>
<summary>${platform.name}</summary>
${list(platform)}
</details>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Perch: trust this relay</title>
<style>
  :root { color-scheme: light dark; --line: #ccc; --accent: #0a58ca; }
  @media (prefers-color-scheme: dark) { :root { --line: #444; --accent: #79b0ff; } }
  body { font: 17px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 40rem; }
  h1 { font-size: 1.5rem; line-height: 1.25; }
  h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
  .print { font: 15px/1.6 ui-monospace, monospace; border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
  a { color: var(--accent); }
  .get { display: inline-block; font-weight: 600; border: 2px solid; border-radius: .5rem; padding: .6rem 1rem; text-decoration: none; }
  .get:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  details { border-top: 1px solid var(--line); }
  details:last-of-type { border-bottom: 1px solid var(--line); }
  summary { cursor: pointer; padding: .75rem 0; font-weight: 600; }
  li { margin: .4rem 0; }
  code { overflow-wrap: anywhere; }
</style>
<main>
<h1>Trust this relay</h1>
<p>This relay has made its certificate itself, so your browser warns of it. Tell each phone and computer once that it
may trust the relay: then the warning is gone, and passkeys and notifications work.</p>
<p>You trust it for little: its authority, <b>${escapeHtml(authority.title)}</b>, can vouch only for names and addresses of a
house and for those chosen for this relay. It cannot be used to play your bank or your mail.</p>
<h2>1. Compare</h2>
<p>Whoever runs the relay sees this fingerprint where it was started. Go on only if it is the same there:</p>
<p class="print">${authority.fingerprint.replaceAll(':', ':<wbr>')}</p>
<h2>2. Download</h2>
<p><a class="get" href="${CA_FILE}" download="perch-ca.crt">Download the certificate</a></p>
<h2>3. Install</h2>
${details.join('\n')}
<p>Then close the browser wholly, open it again, and <a href="/">open the app</a>.</p>
<p>An agent on another machine is told with <code>--extra_ca perch-ca.crt</code>.</p>
</main>
</html>
`;
}

function list({ steps, isChoice = false }: Platform): string {
  const tag = isChoice ? 'ul' : 'ol';
  return `<${tag}>${steps.map((step) => `<li>${step}</li>`).join('\n')}</${tag}>`;
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
