// Makes it noon, about, for this process and for what it starts: a test in which films or happenings of the last hours
// are of today, or of yesterday, does not meet midnight on its way. Import it before what looks at the clock.
const ahead = 12 - new Date().getUTCHours();
// In these names the sign is that of POSIX: behind Greenwich is plus.
process.env.TZ = `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
