/** A connection to the live socket that comes back by itself.
 *
 * It reconnects with growing, jittered delays; a connection that says nothing for
 * SILENCE_MS is taken for dead, because a half-open one never reports an error.
 */

export const SILENCE_MS = 45_000
export const CONNECT_MS = 10_000
const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000

export type Phase = 'connecting' | 'open' | 'waiting' | 'stopped'

/** What of WebSocket is used. */
export interface Wire {
  onopen: ((event: Event) => void) | null
  onmessage: ((event: MessageEvent) => void) | null
  onclose: ((event: CloseEvent) => void) | null
  close: () => void
}

export interface Listener {
  /** Every parsed message. */
  message: (message: unknown) => void
  /** retryMs is how long a waiting connection waits. */
  phase: (phase: Phase, retryMs: number) => void
}

/** Delay before the given attempt (0 is the first retry): doubling, capped, half of it random. */
export function backoffMs(attempt: number, random: () => number): number {
  const whole = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16))
  return whole / 2 + random() * whole / 2
}

export class LiveSocket {
  private wire: Wire | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private attempt = 0
  private phase: Phase = 'stopped'

  constructor(
    private readonly open: () => Wire,
    private readonly listener: Listener,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    if (this.phase === 'stopped') this.connect()
  }

  stop(): void {
    this.drop()
    this.enter('stopped')
  }

  /** Try now instead of later: the network or the person is back. */
  wake(): void {
    if (this.phase !== 'waiting') return
    this.attempt = 0
    this.connect()
  }

  private connect(): void {
    this.drop()
    this.enter('connecting')
    const wire = this.open()
    this.wire = wire
    this.limit(CONNECT_MS)
    wire.onopen = () => {
      this.limit(SILENCE_MS)
      this.enter('open')
    }
    wire.onmessage = (event) => { this.receive(event.data) }
    wire.onclose = () => { this.retry() }
  }

  private receive(data: unknown): void {
    let message: unknown
    try {
      message = JSON.parse(String(data))
    } catch {
      // A connection that talks nonsense is as good as none.
      this.retry()
      return
    }
    // Only what it says proves a connection, not that it opened: a proxy may accept and fail.
    this.attempt = 0
    this.limit(SILENCE_MS)
    this.listener.message(message)
  }

  private limit(ms: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => { this.retry() }, ms)
  }

  private retry(): void {
    this.drop()
    const delay = backoffMs(this.attempt, this.random)
    this.attempt += 1
    this.timer = setTimeout(() => { this.connect() }, delay)
    this.enter('waiting', delay)
  }

  private drop(): void {
    clearTimeout(this.timer)
    const wire = this.wire
    this.wire = null
    if (!wire) return
    wire.onopen = null
    wire.onmessage = null
    wire.onclose = null
    wire.close()
  }

  private enter(phase: Phase, retryMs = 0): void {
    this.phase = phase
    this.listener.phase(phase, retryMs)
  }
}
