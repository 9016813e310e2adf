import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const server = process.env.WATTLINE_URL ?? 'http://127.0.0.1:8420'

export default defineConfig({
  plugins: [vue()],
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: server, ws: true },
      '/docs': server,
      '/openapi.json': server,
      '/readyz': server,
    },
  },
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    // The map library is one module of about a megabyte, loaded only when the map is shown.
    chunkSizeWarningLimit: 1300,
  },
})
