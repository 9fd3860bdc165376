using Konstruct.Contracts.Dispatch;

namespace Konstruct.Peers;

/// <summary>A user's message in its queue form. <c>reply_to</c> tells the load worker where to send the answer.</summary>
internal static class Asking
{
    public static KonstructMessage For(Guid tenant, Guid user, Guid conversation, string text, string replyTo) =>
        new()
        {
            Id = Guid.CreateVersion7(),
            TenantId = tenant,
            ChannelMetadata = new($"{user:D}", tenant, conversation),
            Sender = new($"{user:D}", "Load"),
            Content = new(text),
            Timestamp = DateTimeOffset.UtcNow,
            ThreadId = conversation,
            ReplyTo = replyTo,
            ConversationId = conversation,
            PortalUserId = $"{user:D}",
            AgentId = "",
            TurnId = Guid.CreateVersion7(),
            Attempt = 1,
        };
}
