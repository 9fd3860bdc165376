using Konstruct.Contracts.Dispatch;
using Microsoft.AspNetCore.SignalR;

namespace Konstruct.Peers;

/// <summary>The same with SignalR: a group for each conversation; the worker publishes to the group as any process with a hub context does.</summary>
internal sealed class ChatHub(DispatchQueue queue) : Hub
{
    /// <summary>What stands before a channel in <c>reply_to</c>, for the load worker.</summary>
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
