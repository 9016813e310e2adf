import { describe, expect, it } from 'vitest'

import { buildCurve } from './curve'
import { answer, intervals, repeat } from './sample'

const MIDNIGHT = '2026-11-22T00:00:00+08:00'
const later = Date.parse('2026-11-23T12:00:00+08:00')

describe('a day curve', () => {
  it('turns 15-minute amounts into average power', () => {
    const { slots, unit } = buildCurve(answer(intervals(MIDNIGHT, [{ amount: 25 }])), null, later)
    expect(unit).toBe('kW')
    expect(slots[0]).toMatchObject({ clock: '00:00', rate: 100, state: 'measured' })
  })

  it('leaves a hole where nothing is known, and shows a real zero', () => {
    const rows = [{ amount: null, coverage: 0, quality: [] }, { amount: 0 }]
    const { slots } = buildCurve(answer(intervals(MIDNIGHT, rows)), null, later)
    expect(slots.map((slot) => [slot.rate, slot.state])).toEqual([[null, 'missing'], [0, 'measured']])
  })

  it('says of each interval why it is not plainly measured', () => {
    const { slots } = buildCurve(answer(intervals(MIDNIGHT, [
      { quality: ['gap_spread'], coverage: 0 }, { quality: ['interpolated'] }, { coverage: 0.7 },
      { quality: ['interpolated'], coverage: 0.4 }, { quality: ['interpolated', 'gap_spread'] },
      { quality: ['open'], coverage: 0.5 }, { quality: ['late'] }, { coverage: 0.99999 },
    ])), null, later)
    expect(slots.map((slot) => slot.state)).toEqual([
      'estimated', 'interpolated', 'partial', 'partial', 'estimated', 'open', 'measured', 'measured',
    ])
  })

  it('knows nothing of the future, whatever the server says of it', () => {
    const { slots } = buildCurve(answer(intervals(MIDNIGHT, repeat(2, { amount: 0 }))), null, Date.parse(MIDNIGHT))
    expect(slots.map((slot) => [slot.state, slot.rate, slot.amount])).toEqual([['future', null, null], ['future', null, null]])
  })

  it('averages an interval that is still filling over what was measured of it', () => {
    const rows = [{ amount: 10, coverage: 0.8, quality: ['open' as const] }]
    const { slots } = buildCurve(answer(intervals(MIDNIGHT, rows)), null, Date.parse(MIDNIGHT) + 450_000)
    expect(slots[0]?.state).toBe('open')
    expect(slots[0]?.rate).toBeCloseTo(10 / (0.8 * 0.125))
  })

  it('lays the day before under the same wall clock', () => {
    const before = answer(intervals('2026-11-21T00:00:00+08:00', [{ amount: 5 }, { amount: null }]))
    const { slots } = buildCurve(answer(intervals(MIDNIGHT, repeat(2))), before, later)
    expect(slots.map((slot) => slot.previousRate)).toEqual([20, null])
  })

  it('keeps the hour that a time change repeats apart', () => {
    const zone = 'Europe/Berlin'
    const long = answer(intervals('2026-10-25T00:00:00+02:00', repeat(100).map((row, index) => ({ ...row, amount: index }))), zone)
    const { slots } = buildCurve(long, long, later)
    expect(slots.filter((slot) => slot.clock === '02:00')).toHaveLength(2)
    expect(slots.every((slot) => slot.previousRate === slot.rate)).toBe(true)
  })

  it('takes its peak from what was measured, not from what was guessed', () => {
    const rows = [{ amount: 3 }, { amount: 9, quality: ['gap_spread' as const] }, { amount: 4, quality: ['interpolated' as const] }]
    expect(buildCurve(answer(intervals(MIDNIGHT, rows)), null, later).peak).toMatchObject({ clock: '00:30', rate: 16 })
  })
})
