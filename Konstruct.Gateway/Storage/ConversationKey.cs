namespace Konstruct.Gateway.Storage;

/// <summary>Names a conversation: its tenant and its id. Whether a user may reach it is checked in Postgres.</summary>
internal readonly record struct ConversationKey(Guid TenantId, Guid ConversationId);
