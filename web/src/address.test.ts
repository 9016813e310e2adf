import { describe, expect, it } from 'vitest'

import { formatRoute, parseRoute } from './address'

describe('the address', () => {
  it('gives back what it was made from', () => {
    const route = {
      place: 'b 0&1', day: '2026-11-21', energy: 'water' as const, atMs: Date.parse('2026-11-21T03:00:00Z'),
      alert: 'overload:register:m/power_active:1764140400000000',
    }
    expect(parseRoute(formatRoute(route))).toEqual(route)
  })

  it('is empty for the plain page', () => {
    expect(formatRoute({ place: undefined, day: undefined, energy: undefined, atMs: undefined, alert: undefined })).toBe('')
  })

  it('ignores what it can\'t read', () => {
    expect(parseRoute('?place=&day=yesterday&energy=plasma&at=soon')).toEqual({
      place: undefined, day: undefined, energy: undefined, atMs: undefined, alert: undefined,
    })
  })
})
