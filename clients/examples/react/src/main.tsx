import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { AiSdkChat } from './AiSdkChat';
import { PlainChat } from './PlainChat';
import { settings } from './settings';
import './style.css';

const options = settings();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <AiSdkChat options={options} />
    <PlainChat options={options} />
  </StrictMode>,
);
