import { describe, expect, it } from 'vitest'

import { shelveTimes } from './shelve'

function told(now: string): string[] {
  return shelveTimes(Date.parse(now), 'Asia/Shanghai')
    .map(({ choice, untilMs }) => `${choice} ${new Date(untilMs).toISOString().slice(0, 16)}`)
}

describe('an alert can be set aside', () => {
  it('for an hour, until the evening or the next morning of its place', () => {
    expect(told('2026-11-22T02:30:00Z')).toEqual([
      'hour 2026-11-22T03:30', 'tonight 2026-11-22T12:00', 'tomorrow 2026-11-23T00:00',
    ])
  })

  it('not until an evening that is over or about to begin', () => {
    expect(told('2026-11-22T11:30:00Z')).toEqual(['hour 2026-11-22T12:30', 'tomorrow 2026-11-23T00:00'])
    expect(told('2026-11-22T15:30:00Z')).toEqual(['hour 2026-11-22T16:30', 'tomorrow 2026-11-23T00:00'])
  })

  it('late at night until the morning after the next midnight', () => {
    expect(told('2026-11-22T16:30:00Z').at(-1)).toBe('tomorrow 2026-11-24T00:00')
  })
})
