import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    // A browser in another zone than the place is the case that goes wrong.
    env: { TZ: 'America/New_York' },
  },
})
