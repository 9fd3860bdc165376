using System.Net.WebSockets;
using System.Text.Json;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Microsoft.AspNetCore.Mvc;
using StackExchange.Redis;

namespace Konstruct.Peers;

/// <summary>
/// The minimum for a .NET server: a Kestrel WebSocket with one subscription, which sends every payload of the
/// channel unchanged. The gateway's cost beyond this is the price of its guarantees. With a <see cref="Store"/>
/// it also commits: a message before dispatch, an answer before its end is sent.
/// </summary>
internal static class Floor
{
    private static readonly ResponseChannel Channels = new(ResponseChannel.DefaultTemplate);

    public static async Task ServeAsync(
        HttpContext context,
        Guid conversation,
        IConnectionMultiplexer redis,
        DispatchQueue queue,
        [FromServices] Store? store
    )
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[4096];
        if (await ReadAsync(socket, buffer) is not { } auth)
        {
            return;
        }

        var (tenant, user) = (auth.GetProperty("tenantId").GetGuid(), auth.GetProperty("userId").GetGuid());
        var channel = Channels.For(tenant, conversation);
        var messages = await redis.GetSubscriber().SubscribeAsync(channel);
        messages.OnMessage(message => SendAsync(socket, (ReadOnlyMemory<byte>)message.Message, store));
        await socket.SendAsync("{\"type\":\"ready\"}"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        buffer = null; // An idle socket holds none: see ReadAsync.
        while (await ReadAsync(socket, buffer) is { } message)
        {
            var task = Asking.For(tenant, user, conversation, message.GetProperty("text").GetString()!, channel.ToString());
            await (store?.BeginAsync(task.TurnId, conversation, task.Content.Text) ?? Task.CompletedTask);
            await queue.EnqueueAsync(task);
        }

        await messages.UnsubscribeAsync();
    }

    private static Task SendAsync(WebSocket socket, ReadOnlyMemory<byte> payload, Store? store) =>
        store is not null && StreamEvent.Parse(payload) is { Kind: StreamEventKind.Done } done
            ? EndAsync(socket, done, store)
            : socket.SendAsync(payload, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None).AsTask();

    private static async Task EndAsync(WebSocket socket, StreamEvent done, Store store)
    {
        await store.EndAsync(done.TurnId, done.Text);
        await socket.SendAsync(done.Payload, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
    }

    /// <summary>A zero-byte read waits, and only then is a buffer rented, as in the gateway.</summary>
    private static async Task<JsonElement?> ReadAsync(WebSocket socket, byte[]? buffer)
    {
        try
        {
            var waiting = await socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
            if (waiting.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            buffer ??= new byte[4096];
            var read = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            using var json = JsonDocument.Parse(buffer.AsMemory(0, read.Count));
            return json.RootElement.Clone();
        }
        catch (WebSocketException)
        {
            return null; // The client is gone.
        }
    }
}
