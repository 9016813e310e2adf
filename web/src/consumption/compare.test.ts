import { describe, expect, it } from 'vitest'

import { compareDays } from './compare'
import { answer, intervals, repeat } from './sample'

const MIDNIGHT = '2026-11-22T00:00:00+08:00'
const YESTERDAY = '2026-11-21T00:00:00+08:00'
const noon = Date.parse('2026-11-22T12:00:00+08:00')

const wholeYesterday = answer(intervals(YESTERDAY, repeat(96, { amount: 2 })))

function today(rows: Parameters<typeof intervals>[1]) {
  return answer(intervals(MIDNIGHT, [...rows, ...repeat(96 - rows.length, { amount: null, coverage: 0, quality: [] })]))
}

describe('today against yesterday', () => {
  it('stops both days at the same time of day', () => {
    const result = compareDays(today(repeat(48, { amount: 3 })), wholeYesterday, noon)
    expect(result).toMatchObject({
      upTo: '12:00', today: { amount: 144, coverage: 1 }, yesterday: { amount: 96 }, yesterdayWhole: { amount: 192 },
    })
    expect(result?.change).toBeCloseTo(0.5)
  })

  it('leaves out the interval that is still filling', () => {
    const rows = [...repeat(48, { amount: 3 }), { amount: 1, coverage: 1, quality: ['open' as const] }]
    const result = compareDays(today(rows), wholeYesterday, noon + 5 * 60_000)
    expect(result).toMatchObject({ upTo: '12:00', today: { amount: 144 }, yesterday: { amount: 96 } })
  })

  it('waits for meters that report late instead of counting their hole', () => {
    const rows = [...repeat(47, { amount: 3 }), { amount: 1, coverage: 0.2, quality: ['open' as const] }]
    expect(compareDays(today(rows), wholeYesterday, noon)).toMatchObject({ upTo: '11:45', today: { amount: 141 } })
  })

  it('waits for an interval that ended but is not final', () => {
    const rows = [...repeat(47, { amount: 3 }), { amount: 3, coverage: 1, quality: ['open' as const] }]
    expect(compareDays(today(rows), wholeYesterday, noon)?.upTo).toBe('11:45')
  })

  it('waits no longer than an hour: a silent meter shows as coverage', () => {
    const result = compareDays(today(repeat(40, { amount: 3 })), wholeYesterday, noon)
    expect(result?.upTo).toBe('12:00')
    expect(result?.today.amount).toBe(120)
    expect(result?.today.coverage).toBeCloseTo(40 / 48)
  })

  it('gives no percentage when a side is not covered', () => {
    const gaps = answer(intervals(YESTERDAY, [...repeat(90, { amount: null, coverage: 0 }), ...repeat(6)]))
    const result = compareDays(today(repeat(48)), gaps, noon)
    expect(result).toMatchObject({ change: null, yesterday: { amount: null, coverage: 0 } })
  })

  it('gives no percentage of amounts that are mostly guessed', () => {
    const guessed = answer(intervals(YESTERDAY, repeat(96, { amount: 2, coverage: 0.5, quality: ['gap_spread'] })))
    expect(compareDays(today(repeat(48)), guessed, noon)).toMatchObject({ change: null, yesterday: { amount: 96, coverage: 0.5 } })
  })

  it('gives no percentage of nothing', () => {
    const zero = answer(intervals(YESTERDAY, repeat(96, { amount: 0 })))
    expect(compareDays(today(repeat(48)), zero, noon)?.change).toBeNull()
  })

  it('says nothing before the first interval has ended', () => {
    expect(compareDays(today([]), wholeYesterday, Date.parse(MIDNIGHT) + 60_000)).toBeNull()
  })

  it('compares a finished day as a whole', () => {
    const result = compareDays(today(repeat(96, { amount: 3 })), wholeYesterday, noon + 86_400_000)
    expect(result).toMatchObject({ upTo: '24:00', today: { amount: 288 }, yesterday: { amount: 192 } })
  })

  it('meets a 23-hour day at the same wall clock', () => {
    // Berlin springs forward on 29 March 2026: 02:00 does not exist.
    const zone = 'Europe/Berlin'
    const short = answer(intervals('2026-03-29T00:00:00+01:00', repeat(92, { amount: 1 })), zone)
    const before = answer(intervals('2026-03-28T00:00:00+01:00', repeat(96, { amount: 1 })), zone)
    const result = compareDays(short, before, Date.parse('2026-03-29T12:00:00+02:00'))
    expect(result).toMatchObject({ upTo: '12:00', today: { amount: 44 }, yesterday: { amount: 48 } })
  })
})
