/** What a .vue file exports, for tools that don't read one; vue-tsc knows better. */
declare module '*.vue' {
  import type { DefineComponent } from 'vue'

  const component: DefineComponent
  export default component
}
