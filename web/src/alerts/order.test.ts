import { describe, expect, it } from 'vitest'

import type { Alert, Severity } from '../api/types'
import { byUrgency } from './order'

function alert(id: string, severity: Severity, state: Alert['state'], activeAt: string): Alert {
  return {
    id, place_id: 'b', device_id: 'm', quantity: 'power_active', unit: 'W', state, value: 1, limit: 1, comparator: 'above', active_at: activeAt,
    fired_at: null, resolved_at: null,
    rule: { id: 'r', name: { zh: '', en: '' }, severity, action: { zh: '', en: '' } },
  }
}

describe('open alerts', () => {
  it('come firing before pending, worst first, then newest', () => {
    const given = [
      alert('pending', 'critical', 'pending', '2026-11-22T05:00:00Z'),
      alert('old', 'warning', 'firing', '2026-11-22T01:00:00Z'),
      alert('new', 'warning', 'firing', '2026-11-22T02:00:00Z'),
      alert('worst', 'critical', 'firing', '2026-11-22T00:00:00Z'),
    ]
    expect(byUrgency(given).map((one) => one.id)).toEqual(['worst', 'new', 'old', 'pending'])
  })
})
