import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { backoffMs, CONNECT_MS, LiveSocket, SILENCE_MS, type Phase, type Wire } from './socket'

class FakeWire implements Wire {
  onopen: Wire['onopen'] = null
  onmessage: Wire['onmessage'] = null
  onclose: Wire['onclose'] = null
  closed = false

  close(): void { this.closed = true }
  opens(): void { this.onopen?.(new Event('open')) }
  says(data: string): void { this.onmessage?.({ data } as MessageEvent) }
  drops(): void { this.onclose?.({} as CloseEvent) }
}

let wires: FakeWire[]
let phases: Phase[]
let messages: unknown[]
let socket: LiveSocket

function last(): FakeWire {
  const wire = wires.at(-1)
  if (!wire) throw new Error('no connection was tried')
  return wire
}

beforeEach(() => {
  vi.useFakeTimers()
  wires = []
  phases = []
  messages = []
  socket = new LiveSocket(() => {
    wires.push(new FakeWire())
    return last()
  }, {
    message: (message) => { messages.push(message) },
    phase: (phase) => { phases.push(phase) },
  }, () => 1)
  socket.start()
})

afterEach(() => {
  socket.stop()
  vi.useRealTimers()
})

describe('the live socket', () => {
  it('delivers parsed messages', () => {
    last().opens()
    last().says('{"type":"power"}')
    expect(messages).toEqual([{ type: 'power' }])
    expect(phases).toEqual(['connecting', 'open'])
  })

  it('comes back after a lost connection, waiting longer each time', () => {
    last().drops()
    expect(phases.at(-1)).toBe('waiting')
    vi.advanceTimersByTime(499)
    expect(wires).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(wires).toHaveLength(2)
    last().drops()
    vi.advanceTimersByTime(999)
    expect(wires).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect(wires).toHaveLength(3)
  })

  it('starts over with short waits once something was said, not once it opened', () => {
    last().drops()
    vi.advanceTimersByTime(500)
    last().opens()
    last().drops()
    vi.advanceTimersByTime(999)
    expect(wires).toHaveLength(2)
    vi.advanceTimersByTime(1)
    last().opens()
    last().says('{}')
    last().drops()
    vi.advanceTimersByTime(500)
    expect(wires).toHaveLength(4)
  })

  it('takes a silent connection for a dead one', () => {
    last().opens()
    last().says('{}')
    vi.advanceTimersByTime(SILENCE_MS - 1)
    expect(last().closed).toBe(false)
    vi.advanceTimersByTime(1)
    expect(wires[0]?.closed).toBe(true)
    expect(phases.at(-1)).toBe('waiting')
  })

  it('gives up a connection that does not open', () => {
    vi.advanceTimersByTime(CONNECT_MS)
    expect(wires[0]?.closed).toBe(true)
    expect(phases.at(-1)).toBe('waiting')
  })

  it('leaves a connection that talks nonsense', () => {
    last().opens()
    last().says('<html>')
    expect(messages).toEqual([])
    expect(phases.at(-1)).toBe('waiting')
  })

  it('hears nothing more from a connection that it left', () => {
    const old = last()
    old.opens()
    const deliver = old.onmessage
    old.drops()
    expect(old.onmessage).toBeNull()
    expect(deliver).not.toBeNull()
    vi.advanceTimersByTime(500)
    old.drops()
    expect(wires).toHaveLength(2)
  })

  it('tries at once when woken, but only while it waits', () => {
    socket.wake()
    expect(wires).toHaveLength(1)
    last().drops()
    socket.wake()
    expect(wires).toHaveLength(2)
  })

  it('stays away when stopped', () => {
    socket.stop()
    vi.advanceTimersByTime(600_000)
    expect(wires).toHaveLength(1)
    expect(phases.at(-1)).toBe('stopped')
  })
})

describe('the wait before a retry', () => {
  it('doubles up to half a minute, and half of it is chance', () => {
    expect([0, 1, 2, 3].map((attempt) => backoffMs(attempt, () => 1))).toEqual([500, 1000, 2000, 4000])
    expect(backoffMs(50, () => 1)).toBe(30_000)
    expect(backoffMs(50, () => 0)).toBe(15_000)
  })
})
