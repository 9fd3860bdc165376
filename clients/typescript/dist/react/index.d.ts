export { useConversation, type Conversation } from './use-conversation.js';
export type { ConversationMessage, ConversationSnapshot } from './message.js';
