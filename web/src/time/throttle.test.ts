import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { throttle } from './throttle'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

describe('a throttled call', () => {
  it('happens at once, then once a period, and the last wish is granted', () => {
    const call = vi.fn()
    const throttled = throttle(call, 1000)
    throttled.ask()
    throttled.ask()
    throttled.ask()
    expect(call).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1000)
    expect(call).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(5000)
    expect(call).toHaveBeenCalledTimes(2)
  })

  it('is not due when it was made by other means', () => {
    const call = vi.fn()
    const throttled = throttle(call, 1000)
    throttled.ask()
    throttled.ask()
    throttled.done()
    vi.advanceTimersByTime(5000)
    expect(call).toHaveBeenCalledTimes(1)
  })

  it('never happens after stop', () => {
    const call = vi.fn()
    const throttled = throttle(call, 1000)
    throttled.done()
    throttled.ask()
    throttled.ask()
    throttled.stop()
    vi.advanceTimersByTime(5000)
    expect(call).not.toHaveBeenCalled()
  })
})
