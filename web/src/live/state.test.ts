import { describe, expect, it } from 'vitest'

import type { Alert, LiveMessage, PlacePower, Vehicle } from '../api/types'
import { addResolved, emptyState, merge, RESOLVED_KEPT } from './state'

const AT = '2026-11-22T03:00:00+08:00'

function power(place: string, powerW: number | null): PlacePower {
  return { place, power_w: powerW, meters: 2, reporting: 2, at: AT }
}

function vehicle(id: string, time: string, lat = 29): Vehicle {
  return {
    id, name: { zh: id, en: id }, place_id: 'd', status: 'moving', ignition: true, soc_pct: null, fuel_l: 30, odometer_km: 1,
    position: { lat, lon: 106, speed_kmh: 40, course_deg: 90, time },
  }
}

function alert(id: string, state: Alert['state'], resolvedAt: string | null = null): Alert {
  return {
    id, place_id: 'b0', device_id: 'm0', quantity: 'power_active', unit: 'W', state, value: 9, limit: 8, comparator: 'above', active_at: AT,
    fired_at: state === 'pending' ? null : AT, resolved_at: resolvedAt,
    rule: { id: 'r', name: { zh: '', en: 'r' }, severity: 'warning', action: { zh: '', en: '' } },
  }
}

function hello(given: Partial<Extract<LiveMessage, { type: 'hello' }>> = {}): LiveMessage {
  return { type: 'hello', at: AT, power: [], vehicles: [], alerts: [], ...given }
}

function alertMessage(next: Alert): LiveMessage {
  return { type: 'alert', at: AT, previous: 'pending', alert: next }
}

describe('a hello', () => {
  it('replaces everything: what it does not name is gone', () => {
    const state = emptyState()
    merge(state, hello({ power: [power('a', 1), power('b', 2)], alerts: [alert('x', 'firing')] }), true)
    merge(state, hello({ power: [power('b', 3)] }), false)
    expect([...state.power.keys()]).toEqual(['b'])
    expect(state.power.get('b')?.power_w).toBe(3)
    expect(state.open.size).toBe(0)
  })

  it('announces nothing the first time, and after a lost connection only what is new', () => {
    const state = emptyState()
    expect(merge(state, hello({ alerts: [alert('x', 'firing')] }), true).fired).toEqual([])
    const again = merge(state, hello({ alerts: [alert('x', 'firing'), alert('y', 'firing')] }), false)
    expect(again.fired.map((fired) => fired.id)).toEqual(['y'])
  })

  it('makes every consumption figure worth asking for again', () => {
    expect(merge(emptyState(), hello(), true).ledger).toBe('all')
  })
})

describe('a change', () => {
  it('of power touches only the places that it names', () => {
    const state = emptyState()
    merge(state, hello({ power: [power('a', 1), power('b', 2)] }), true)
    merge(state, { type: 'power', at: AT, items: [power('a', null)] }, false)
    expect([...state.power.values()].map((item) => item.power_w)).toEqual([null, 2])
  })

  it('never moves a vehicle back in time', () => {
    const state = emptyState()
    merge(state, { type: 'vehicles', at: AT, items: [vehicle('v', '2026-11-22T03:00:10+08:00', 29.2)] }, false)
    merge(state, { type: 'vehicles', at: AT, items: [vehicle('v', '2026-11-22T03:00:05+08:00', 29.1)] }, false)
    expect(state.vehicles.get('v')?.position?.lat).toBe(29.2)
  })

  it('of the ledger names its places', () => {
    expect(merge(emptyState(), { type: 'ledger', at: AT, places: ['a'] }, false).ledger).toEqual(['a'])
  })

  it('of an unknown kind is ignored', () => {
    const later = { type: 'weather', at: AT } as unknown as LiveMessage
    expect(merge(emptyState(), later, false)).toEqual({ fired: [], resolved: [], ledger: [] })
  })
})

describe('an alert', () => {
  it('is news when it starts to fire, not when it is pending or repeated', () => {
    const state = emptyState()
    expect(merge(state, alertMessage(alert('x', 'pending')), false).fired).toEqual([])
    expect(merge(state, alertMessage(alert('x', 'firing')), false).fired).toHaveLength(1)
    expect(merge(state, alertMessage(alert('x', 'firing')), false).fired).toEqual([])
    expect(state.open.size).toBe(1)
  })

  it('moves to the resolved list when it resolves', () => {
    const state = emptyState()
    merge(state, alertMessage(alert('x', 'firing')), false)
    merge(state, alertMessage(alert('x', 'resolved', AT)), false)
    expect(state.open.size).toBe(0)
    expect(state.resolved.map((one) => one.id)).toEqual(['x'])
  })

  it('that never fired is dropped without a trace', () => {
    const state = emptyState()
    merge(state, alertMessage(alert('x', 'pending')), false)
    merge(state, alertMessage({ ...alert('x', 'resolved', AT), fired_at: null }), false)
    expect(state.open.size + state.resolved.length).toBe(0)
  })

  it('is kept for a bounded list only, newest first, once each', () => {
    const state = emptyState()
    const many = Array.from({ length: RESOLVED_KEPT + 5 }, (_, minute) =>
      alert(`x${minute}`, 'resolved', new Date(Date.parse(AT) + minute * 60_000).toISOString()))
    addResolved(state, many)
    addResolved(state, many.slice(0, 3))
    expect(state.resolved).toHaveLength(RESOLVED_KEPT)
    expect(state.resolved[0]?.id).toBe(`x${RESOLVED_KEPT + 4}`)
  })
})
