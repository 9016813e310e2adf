import { describe, expect, it } from 'vitest'

import { NEW, sampleAlert } from '../alerts/sample'
import type { Alert, LiveMessage, PlacePower, Vehicle } from '../api/types'
import { addResolved, emptyState, merge, mergeAnswer, RESOLVED_KEPT } from './state'

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

function alert(id: string, state: Alert['state'], given: Partial<Alert> = {}): Alert {
  return sampleAlert(id, { state, active_at: AT, resolved_at: state === 'resolved' ? AT : null, ...given })
}

function hello(given: Partial<Extract<LiveMessage, { type: 'hello' }>> = {}): LiveMessage {
  return { type: 'hello', at: AT, power: [], vehicles: [], alerts: [], ...given }
}

function alertMessage(next: Alert): LiveMessage {
  return { type: 'alert', at: AT, previous: 'inactive', alert: next }
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
  it('is news when it starts to fire, not when it is repeated', () => {
    const state = emptyState()
    expect(merge(state, alertMessage(alert('x', 'firing')), false).fired).toHaveLength(1)
    expect(merge(state, alertMessage(alert('x', 'firing')), false).fired).toEqual([])
    expect(state.open.size).toBe(1)
  })

  it('stays open while it is stale, and is no news when it is heard of again', () => {
    const state = emptyState()
    merge(state, alertMessage(alert('x', 'firing')), false)
    expect(merge(state, alertMessage(alert('x', 'stale', { stale_at: AT })), false).fired).toEqual([])
    expect(state.open.get('x')?.state).toBe('stale')
    expect(merge(state, alertMessage(alert('x', 'firing')), false).fired).toEqual([])
  })

  it('of history is shown and not announced, until it reaches the present', () => {
    const state = emptyState()
    expect(merge(state, alertMessage(alert('x', 'firing', { retrospective: true })), false).fired).toEqual([])
    expect(state.open.size).toBe(1)
    expect(merge(state, alertMessage(alert('x', 'firing')), false).fired).toHaveLength(1)
  })

  it('moves to the resolved list when it resolves', () => {
    const state = emptyState()
    merge(state, alertMessage(alert('x', 'firing')), false)
    merge(state, alertMessage(alert('x', 'resolved')), false)
    expect(state.open.size).toBe(0)
    expect(state.resolved.map((one) => one.id)).toEqual(['x'])
  })

  it('is kept for a bounded list only, newest first, once each', () => {
    const state = emptyState()
    const many = Array.from({ length: RESOLVED_KEPT + 5 }, (_, minute) =>
      alert(`x${minute}`, 'resolved', { resolved_at: new Date(Date.parse(AT) + minute * 60_000).toISOString() }))
    addResolved(state, many)
    addResolved(state, many.slice(0, 3))
    expect(state.resolved).toHaveLength(RESOLVED_KEPT)
    expect(state.resolved[0]?.id).toBe(`x${RESOLVED_KEPT + 4}`)
  })
})

describe('the handling of an alert', () => {
  const acknowledged = { ...NEW, status: 'acknowledged' as const, acknowledged_by: 'Li' }

  it('is what the newest message or answer says, whichever comes first', () => {
    const state = emptyState()
    merge(state, hello({ alerts: [alert('x', 'firing', { events: 2 })] }), true)
    merge(state, alertMessage(alert('x', 'firing', { handling: acknowledged, events: 3 })), false)
    expect(state.open.get('x')?.handling.acknowledged_by).toBe('Li')
    mergeAnswer(state, alert('x', 'firing', { events: 2 }))
    expect(state.open.get('x')?.handling.acknowledged_by).toBe('Li')
    merge(state, alertMessage(alert('x', 'resolved', { handling: acknowledged, events: 4 })), false)
    merge(state, alertMessage(alert('x', 'firing', { handling: acknowledged, events: 3 })), false)
    expect(state.open.size).toBe(0)
    addResolved(state, [alert('x', 'resolved', { events: 3 })])
    expect(state.resolved[0]?.handling.acknowledged_by).toBe('Li')
  })

  it('is taken from an answer for what is shown, and for nothing else', () => {
    const state = emptyState()
    merge(state, alertMessage(alert('x', 'resolved', { events: 4 })), false)
    for (const id of ['x', 'unknown']) mergeAnswer(state, alert(id, 'resolved', { handling: acknowledged, events: 5 }))
    expect(state.resolved.map((one) => [one.id, one.handling.status])).toEqual([['x', 'acknowledged']])
  })

  it('is no news after a lost connection, if somebody is at it already', () => {
    const state = emptyState()
    merge(state, hello(), true)
    const again = merge(state, hello({ alerts: [alert('x', 'firing', { handling: acknowledged })] }), false)
    expect(again.fired).toEqual([])
  })
})
