import { describe, expect, it } from 'vitest'

import { byUrgency } from './order'
import { NEW, sampleAlert } from './sample'

const NOW_MS = Date.parse('2026-11-22T06:00:00Z')
const acknowledged = { ...NEW, status: 'acknowledged' as const, acknowledged_by: 'Li' }
const shelved = { ...NEW, shelved_until: '2026-11-22T07:00:00Z' }

function order(...alerts: ReturnType<typeof sampleAlert>[]): string[] {
  return byUrgency(alerts, NOW_MS).map((one) => one.id)
}

describe('open alerts', () => {
  it('come worst first, then newest', () => {
    expect(order(
      sampleAlert('old', { active_at: '2026-11-22T01:00:00Z' }),
      sampleAlert('new', { active_at: '2026-11-22T02:00:00Z' }),
      sampleAlert('worst', { active_at: '2026-11-22T00:00:00Z' }, 'critical'),
    )).toEqual(['worst', 'new', 'old'])
  })

  it('that nobody handles come before those that somebody does, within their severity', () => {
    expect(order(
      sampleAlert('shelved', { handling: shelved }),
      sampleAlert('known', { handling: acknowledged }),
      sampleAlert('unhandled'),
      sampleAlert('worst', { handling: acknowledged }, 'critical'),
    )).toEqual(['worst', 'unhandled', 'known', 'shelved'])
  })

  it('need somebody again once their shelf time is over', () => {
    const over = { ...NEW, shelved_until: '2026-11-22T05:59:00Z' }
    expect(order(sampleAlert('known', { handling: acknowledged }), sampleAlert('over', { handling: over })))
      .toEqual(['over', 'known'])
  })

  it('that are new come before those that somebody is at', () => {
    expect(order(sampleAlert('known', { handling: acknowledged }), sampleAlert('told')))
      .toEqual(['told', 'known'])
  })
})
