using Konstruct.Contracts.Dispatch;
using Microsoft.AspNetCore.SignalR;

namespace Konstruct.Peers;

/// <summary>The same with SignalR: one group per conversation. The worker publishes to the group like any process with a hub context.</summary>
internal sealed class ChatHub(DispatchQueue queue) : Hub
{
    /// <summary>Prefix of the channel in <c>reply_to</c>, for the load worker.</summary>
    private const string Backplane = "signalr ";

    public async Task Join(Guid tenant, Guid user, Guid conversation)
    {
        Context.Items[nameof(ChatHub)] = (tenant, user, conversation);
        await Groups.AddToGroupAsync(Context.ConnectionId, $"{conversation:D}");
    }

    public Task Say(string text)
    {
        var (tenant, user, conversation) = ((Guid, Guid, Guid))Context.Items[nameof(ChatHub)]!;
        return queue.EnqueueAsync(Asking.For(tenant, user, conversation, text, $"{Backplane}{typeof(ChatHub).FullName}:group:{conversation:D}"));
    }
}
