import { describe, expect, it } from 'vitest'

import { nextLookMs } from './refresh'

describe('the estate', () => {
  it('is looked at soon again while it changes', () => {
    expect(nextLookMs(0, true)).toBe(10_000)
    expect(nextLookMs(600_000, true)).toBe(10_000)
  })

  it('is looked at more rarely the longer it rests, but never less than every ten minutes', () => {
    expect(nextLookMs(0, false)).toBe(10_000)
    expect(nextLookMs(10_000, false)).toBe(20_000)
    expect(nextLookMs(500_000, false)).toBe(600_000)
  })
})
