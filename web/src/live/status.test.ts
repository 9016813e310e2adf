import { describe, expect, it } from 'vitest'

import { liveStatus, QUIET_MS } from './status'

const HEARD = 1_000_000

describe('the page', () => {
  it('is live only while messages come', () => {
    expect(liveStatus('open', HEARD, HEARD + QUIET_MS - 1)).toBe('live')
    expect(liveStatus('open', HEARD, HEARD + QUIET_MS)).toBe('quiet')
  })

  it('is lost whenever the connection is not open, however young its figures', () => {
    expect(liveStatus('waiting', HEARD, HEARD)).toBe('lost')
    expect(liveStatus('connecting', HEARD, HEARD)).toBe('lost')
  })

  it('is connecting until the first message, even on an open connection', () => {
    expect(liveStatus('connecting', null, HEARD)).toBe('connecting')
    expect(liveStatus('open', null, HEARD)).toBe('connecting')
  })

  it('does not pretend to connect while it waits after a first failure', () => {
    expect(liveStatus('waiting', null, HEARD)).toBe('lost')
  })
})
