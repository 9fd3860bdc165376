using System.Net.WebSockets;
using System.Text;
using Konstruct.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Konstruct.Tests.Bench;

/// <summary>A server that speaks the protocol and makes mistakes on purpose: what a load generator is there to find.</summary>
internal sealed class FaultyServer : IAsyncDisposable
{
    public const int Chunks = 10;

    /// <summary>How long a ping is left without an answer, at most.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;

    private FaultyServer(WebApplication app, int port) => (_app, Port) = (app, port);

    public int Port { get; }

    public static async Task<FaultyServer> StartAsync(Faults faults)
    {
        var port = Loopback.FreePort();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.UseWebSockets();
        app.MapGet("/chat/ws/{conversation}", (HttpContext context, string conversation) => ServeAsync(context, conversation, faults));
        await app.StartAsync();
        return new(app, port);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task ServeAsync(HttpContext context, string conversation, Faults faults)
    {
        var isV2 = context.WebSockets.WebSocketRequestedProtocols.Contains(RawChatV2.Subprotocol);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(
            new WebSocketAcceptContext
            {
                SubProtocol = isV2 ? RawChatV2.Subprotocol : null,
                // Without a time-out .NET sends pongs, which want no answer.
                KeepAliveInterval = faults.IsInParts ? TimeSpan.FromMilliseconds(100) : TimeSpan.Zero,
                KeepAliveTimeout = faults.IsInParts ? Patience : null,
            }
        );
        await ReadAsync(socket); // auth
        if (isV2)
        {
            await SendAsync(socket, $$"""{"type":"ready","conversation_id":"{{conversation}}","active":[]}""");
        }

        var next = ReadAsync(socket);
        while (await next)
        {
            next = ReadAsync(socket); // Pongs are heard while it answers.
            foreach (var frame in Answer(conversation, isV2, faults))
            {
                await SendAsync(socket, frame, faults.IsInParts);
            }
        }
    }

    private static IEnumerable<string> Answer(string conversation, bool isV2, Faults faults)
    {
        var turn = Guid.NewGuid();
        var text = new StringBuilder();
        yield return isV2 ? $$"""{"type":"typing","turn_id":"{{turn}}"}""" : """{"type":"typing"}""";
        for (var seq = 1; seq <= Chunks; seq++)
        {
            var token = $"{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}{seq:D3} word {(faults.IsInParts ? new string('x', 14_000) : "")}";
            text.Append(token);
            var said = seq == faults.Garbled ? "0000 " : token;
            var chunk = isV2
                ? $$"""{"type":"chunk","text":"{{said}}","turn_id":"{{turn}}","attempt":1,"seq":{{seq}}}"""
                : $$"""{"type":"chunk","text":"{{said}}"}""";
            if (seq != faults.Dropped)
            {
                yield return chunk;
            }

            if (seq == faults.Repeated)
            {
                yield return chunk;
            }
        }

        if (!faults.IsEndless)
        {
            yield return isV2
                ? $$"""{"type":"done","text":"{{text}}","conversation_id":"{{conversation}}","turn_id":"{{turn}}","attempt":1,"reason":"completed"}"""
                : $$"""{"type":"done","text":"{{text}}","conversation_id":"{{conversation}}"}""";
        }
    }

    private static async Task<bool> ReadAsync(WebSocket socket)
    {
        try
        {
            return (await socket.ReceiveAsync(new byte[4096].AsMemory(), CancellationToken.None)).MessageType == WebSocketMessageType.Text;
        }
        catch (WebSocketException)
        {
            return false; // The generator gave up on it.
        }
    }

    private static async Task SendAsync(WebSocket socket, string frame, bool isInParts = false)
    {
        ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(frame);
        if (isInParts)
        {
            await socket.SendAsync(rest[..(rest.Length / 2)], WebSocketMessageType.Text, endOfMessage: false, CancellationToken.None);
            await Task.Delay(Patience / 4); // Long enough for pings; a client that leaves them without an answer is aborted before the last chunk.
            rest = rest[(rest.Length / 2)..];
        }

        await socket.SendAsync(rest, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
    }
}

/// <summary>What a server does wrong with one answer.</summary>
/// <param name="Dropped">The chunk that is not sent; 0: none.</param>
/// <param name="Repeated">The chunk that is sent twice; 0: none.</param>
/// <param name="Garbled">The chunk that says something else; 0: none.</param>
/// <param name="IsEndless">Whether <c>done</c> never comes.</param>
/// <param name="IsInParts">No fault, but rare: long messages, each in two frames, and pings between any two.</param>
internal sealed record Faults(int Dropped = 0, int Repeated = 0, int Garbled = 0, bool IsEndless = false, bool IsInParts = false);
