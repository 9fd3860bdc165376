using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Konstruct.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Konstruct.Tests.Original;

/// <summary>
/// A server that behaves as the original gateway with its orchestrator: it stores the user's row, hears plain chunks and a done on the conversation's channel, relays them
/// and stores the answer. Its flaws are left out: it subscribes before it dispatches.
/// </summary>
internal sealed class OriginalGateway : Harness.IServer, IAsyncDisposable
{
    private readonly WebApplication _app;

    private OriginalGateway(WebApplication app, int port) => (_app, Port) = (app, port);

    public int Port { get; }

    public static async Task<OriginalGateway> StartAsync(OriginalDatabase database, RedisServer redis)
    {
        var port = Loopback.FreePort();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.UseWebSockets();
        app.MapGet("/chat/ws/{conversation}", (HttpContext context, Guid conversation) => ServeAsync(context, conversation, database, redis));
        await app.StartAsync();
        return new(app, port);
    }

    /// <summary>What its orchestrator answers.</summary>
    public static IReadOnlyList<string> AnswerTo(string text) => [$"The original heard: ", text];

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task ServeAsync(HttpContext context, Guid conversation, OriginalDatabase database, RedisServer redis)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var auth = await ReceiveAsync(socket);
        var person = new Person(auth!.Value.GetProperty("tenantId").GetGuid(), auth.Value.GetProperty("userId").GetGuid());
        await using var store = await database.ConnectAsync(person.Tenant);
        while (await ReceiveAsync(socket) is { } frame)
        {
            var text = frame.GetProperty("text").GetString()!;
            await SendAsync(socket, """{"type":"typing"}""");
            await store.SaveUserMessageAsync(conversation, text);
            var answer = await RelayAsync(socket, person.ResponseChannel(conversation), conversation, text, redis);
            await store.SaveAnswerAsync(conversation, answer);
            await SendAsync(socket, $$"""{"type":"done","text":{{PythonJson.Compact(answer)}},"conversation_id":"{{conversation}}"}""");
        }
    }

    private static async Task<string> RelayAsync(WebSocket socket, string channel, Guid conversation, string text, RedisServer redis)
    {
        var heard = Channel.CreateUnbounded<string>();
        var subscriber = redis.Database.Multiplexer.GetSubscriber();
        var subscription = RedisChannel.Literal(channel);
        await subscriber.SubscribeAsync(subscription, (_, payload) => heard.Writer.TryWrite(payload!));
        await OrchestrateAsync(channel, conversation, text, redis);
        await foreach (var payload in heard.Reader.ReadAllAsync())
        {
            var read = JsonSerializer.Deserialize<JsonElement>(payload);
            var part = read.GetProperty("text").GetString()!;
            if (read.GetProperty("type").GetString() == "done")
            {
                await subscriber.UnsubscribeAsync(subscription);
                return part;
            }

            await SendAsync(socket, $$"""{"type":"chunk","text":{{PythonJson.Compact(part)}}}""");
        }

        return "";
    }

    private static async Task OrchestrateAsync(string channel, Guid conversation, string text, RedisServer redis)
    {
        foreach (var token in AnswerTo(text))
        {
            await redis.PublishAsync(channel, $$"""{"type": "chunk", "text": {{PythonJson.Ascii(token)}}}""");
        }

        await redis.PublishAsync(
            channel,
            $$"""{"type": "done", "text": {{PythonJson.Ascii(string.Concat(AnswerTo(text)))}}, "conversation_id": "{{conversation}}"}"""
        );
    }

    private static async Task<JsonElement?> ReceiveAsync(WebSocket socket)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            var part = await socket.ReceiveAsync(buffer, CancellationToken.None);
            return part.MessageType == WebSocketMessageType.Close ? null : JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, part.Count));
        }
        catch (WebSocketException)
        {
            return null; // The client has gone without a close.
        }
    }

    private static Task SendAsync(WebSocket socket, string frame) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
}
