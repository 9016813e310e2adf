import { describe, expect, it, vi } from 'vitest'

import type { AlertEvent, AlertEventKind } from '../api/types'
import { sampleAlert } from './sample'
import { actorText, eventNote, eventText } from './timeline'

// All that is asked of a browser here: its language, which decides the words, and its address.
vi.hoisted(() => {
  vi.stubGlobal('navigator', { languages: ['en'] })
  vi.stubGlobal('window', { location: { search: '' } })
})

const ALERT = sampleAlert('x')

function event(kind: AlertEventKind, detail: Record<string, unknown> = {}, by = 'Li'): AlertEvent {
  return { number: 1, kind, at: '2026-11-22T01:00:00Z', recorded_at: '2026-11-22T01:00:00Z', by, detail }
}

function told(kind: AlertEventKind, detail: Record<string, unknown> = {}): string {
  return eventText(ALERT, event(kind, detail))
}

describe('a line of a timeline', () => {
  it('of telemetry says the value against its limit, and nobody did it', () => {
    expect(told('fired', { value: 9_000, limit: 8_000 })).toBe('Fired: 9.00 kW, limit 8.00 kW')
    expect(actorText(event('fired', {}, 'wattline'))).toBe('')
    expect(actorText(event('acknowledged'))).toBe('Li')
  })

  it('of an unknown value says so', () => {
    expect(told('resolved', { value: null, limit: 8_000 })).toBe('Back to normal: –, limit 8.00 kW')
  })

  it('of an assignment says to whom and until when, on the clock of the place', () => {
    expect(told('assigned', { organisation_id: 'bureau', assignee: 'Li' })).toBe('Assigned to bureau · Li')
    expect(told('assigned', { organisation_id: 'bureau', due_at: '2026-11-22T02:00:00Z' }))
      .toBe('Assigned to bureau, to be handled by Nov 22, 02:00')
  })

  it('keeps a person\'s own words apart', () => {
    expect(eventNote(event('commented', { text: 'Pump 3 is off' }))).toBe('Pump 3 is off')
    expect(eventNote(event('shelved', { reason: 'waits for parts' }))).toBe('waits for parts')
    expect(eventNote(event('closed', { reason: 'fixed', note: 'new relay' }))).toBe('new relay')
  })

  it('names reasons in the page\'s language', () => {
    expect(told('closed', { reason: 'false_alarm' })).toBe('Closed: false alarm')
    expect(told('closed', { note: '' })).toBe('Closed')
    expect(told('not_told', { reason: 'muted' })).toBe('Not told: mute time of the rule')
    expect(told('not_told', { reason: 'something new' })).toBe('Not told: something new')
  })

  it('of a kind from a newer server is its name', () => {
    expect(told('praised' as AlertEventKind)).toBe('praised')
  })
})
