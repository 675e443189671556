import { RelayError, type StatePlace, verifyAuditIn } from '@perch/relay';
import { bad, type Finding, ok } from './finding.ts';

/** Looks through the audit of the relay on this machine: whether every line is what a relay wrote. */
export async function examineAudit(place: StatePlace): Promise<Finding[]> {
  try {
    const states = await verifyAuditIn(place);
    if (!states) return [ok('audit', 'no relay has run on this directory')];
    const broken = states.filter((state) => state.kind === 'broken');
    if (broken.length === 0) {
      const records = states.reduce((sum, state) => sum + (state.kind === 'whole' ? state.records : 0), 0);
      return [ok('audit', `${records} lines, whole`)];
    }
    return broken.map(({ node, seq, why }) =>
      bad(
        'audit',
        `line ${seq} of relay ${node} is the first that is not what was written: ${why}`,
        'somebody, or a broken disk, changed the database: compare it with a copy from before (docs/reference/audit.md)',
      ),
    );
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return [bad('database', `cannot be used (${error.code})`, error.message)];
  }
}
