import { describe, expect, it } from 'vitest'

import { addDays, instantMs, isLocalDate, localClock, localDate, monthStart } from './zone'

describe('a place keeps its own calendar', () => {
  // Half past four in the afternoon in Greenwich, past midnight in Shanghai; the tests run in New York.
  const moment = Date.parse('2026-11-21T16:30:00Z')

  it('has a day of its own, not the browser\'s', () => {
    expect(localDate(moment, 'Asia/Shanghai')).toBe('2026-11-22')
    expect(localDate(moment, 'America/New_York')).toBe('2026-11-21')
  })

  it('has a clock of its own, with midnight as 00:00', () => {
    expect(localClock(moment, 'Asia/Shanghai')).toBe('00:30')
    expect(localClock(Date.parse('2026-11-21T16:00:00Z'), 'Asia/Shanghai')).toBe('00:00')
  })

  it('steps over days that are 23 hours long', () => {
    expect(addDays('2026-03-29', -1)).toBe('2026-03-28')
    expect(addDays('2026-03-29', 1)).toBe('2026-03-30')
  })

  it('steps over months and years', () => {
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01')
    expect(monthStart('2026-03-31')).toBe('2026-03-01')
    expect(monthStart('2026-01-31', -1)).toBe('2025-12-01')
    expect(monthStart('2026-12-05', 1)).toBe('2027-01-01')
  })
})

describe('a date from an address', () => {
  it('is refused unless it exists', () => {
    expect(isLocalDate('2026-02-28')).toBe(true)
    expect(isLocalDate('2026-02-30')).toBe(false)
    expect(isLocalDate('2026-2-3')).toBe(false)
    expect(isLocalDate('')).toBe(false)
  })
})

describe('a time on a place\'s clock', () => {
  const utc = (date: string, clock: string, zone: string): string =>
    new Date(instantMs(date, clock, zone)).toISOString().slice(0, 16)

  it('is an instant, whatever zone the browser is in', () => {
    expect(utc('2026-11-22', '08:00', 'Asia/Shanghai')).toBe('2026-11-22T00:00')
    expect(utc('2026-11-22', '20:00', 'America/New_York')).toBe('2026-11-23T01:00')
  })

  it('keeps to the clock on both sides of a change of clocks', () => {
    expect(utc('2026-03-29', '00:30', 'Europe/Berlin')).toBe('2026-03-28T23:30')
    expect(utc('2026-03-29', '08:00', 'Europe/Berlin')).toBe('2026-03-29T06:00')
    expect(utc('2026-10-25', '08:00', 'Europe/Berlin')).toBe('2026-10-25T07:00')
  })
})
