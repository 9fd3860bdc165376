using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>
/// The channel on which a conversation's answers are published. Its name is a template, since an orchestrator that already exists has its own.
/// </summary>
/// <param name="template">
/// Holds <c>{tenant_id}</c> and <c>{conversation_id}</c>, which are replaced whole, braces included, by lower-case UUIDs with hyphens.
/// </param>
public sealed class ResponseChannel(string template)
{
    /// <summary>The original's.</summary>
    public const string DefaultTemplate = "{tenant_id}:webchat:response:{conversation_id}";

    /// <summary>Whether a template names both: otherwise two tenants or two conversations would share a channel.</summary>
    public static bool IsValid(string template) =>
        template.Contains("{tenant_id}", StringComparison.Ordinal) && template.Contains("{conversation_id}", StringComparison.Ordinal);

    /// <summary>The channel of one conversation.</summary>
    public RedisChannel For(Guid tenantId, Guid conversationId) => RedisChannel.Literal(template
        .Replace("{tenant_id}", tenantId.ToString("D"), StringComparison.Ordinal)
        .Replace("{conversation_id}", conversationId.ToString("D"), StringComparison.Ordinal));
}
