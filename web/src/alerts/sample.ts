/** An alert for tests. */

import type { Alert, Handling, Severity } from '../api/types'

export const NEW: Handling = {
  status: 'new', organisation_id: null, assignee: null, acknowledged_at: null, acknowledged_by: null,
  shelved_until: null, due_at: null, escalations: 0, closed_at: null, closed_by: null, close_reason: null,
  close_note: '', approved_by: null, evidence: null,
}

export function sampleAlert(id: string, given: Partial<Alert> = {}, severity: Severity = 'warning'): Alert {
  return {
    id, target: { kind: 'register', id: 'm/power_active' }, place_id: 'b', device_id: 'm', quantity: 'power_active',
    unit: 'W', state: 'firing', value: 9_000, limit: 8_000, comparator: 'above',
    active_at: '2026-11-22T01:00:00Z', fired_at: '2026-11-22T01:01:00Z', stale_at: null, resolved_at: null,
    retrospective: false, organisation_id: null, waste: null, withdrawn: null, handling: NEW, events: 2, next_action: null,
    rule: {
      id: 'r', name: { zh: '过载', en: 'Overload' }, kind: 'threshold', severity,
      action: { zh: '减载', en: 'Shed load' }, runbook: null,
    },
    ...given,
  }
}
