import { defineConfig } from 'vite';

// The client is linked, and has its own copy of React for its types: a page must have one.
export default defineConfig({ base: './', resolve: { dedupe: ['react', 'react-dom'] } });
