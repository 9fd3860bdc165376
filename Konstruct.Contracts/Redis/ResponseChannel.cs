using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>
/// The channel on which a conversation's answers are published. The name is a template, because an existing orchestrator has its own.
/// </summary>
/// <param name="template">
/// Contains <c>{tenant_id}</c> and <c>{conversation_id}</c>. Each is replaced, including its braces, by a lower-case UUID with hyphens.
/// </param>
public sealed class ResponseChannel(string template)
{
    /// <summary>The original's template.</summary>
    public const string DefaultTemplate = "{tenant_id}:webchat:response:{conversation_id}";

    /// <summary>Whether a template contains both ids. Otherwise tenants or conversations would share a channel.</summary>
    public static bool IsValid(string template) =>
        template.Contains("{tenant_id}", StringComparison.Ordinal) && template.Contains("{conversation_id}", StringComparison.Ordinal);

    /// <summary>The channel of a conversation.</summary>
    public RedisChannel For(Guid tenantId, Guid conversationId) =>
        RedisChannel.Literal(
            template
                .Replace("{tenant_id}", tenantId.ToString("D"), StringComparison.Ordinal)
                .Replace("{conversation_id}", conversationId.ToString("D"), StringComparison.Ordinal)
        );
}
