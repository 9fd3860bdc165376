using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>
/// A WebSocket and nothing more: it sends what it is told to send and hands back the bytes that come. The tests use this, not a client
/// of ours, which would hide a mistake that both sides make.
/// </summary>
internal sealed class RawChat : IAsyncDisposable
{
    private static readonly HttpMessageInvoker Handler = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is { Subject: "CN=localhost" } }, // A test's own.
        }
    );
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ClientWebSocket _socket = new();
    private readonly MemoryStream _frame = new();
    private readonly byte[] _buffer = new byte[16 * 1024];

    private RawChat() { }

    /// <summary>The close code that came; null while it is open, or when it was cut without one.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    /// <param name="gateway">The server.</param>
    /// <param name="conversation">The last part of the URL; not necessarily an id.</param>
    /// <param name="subprotocol">None is version 1.</param>
    /// <param name="origin">What a browser would say of the page; programs say nothing.</param>
    /// <param name="securePort">Where it speaks TLS; null: without.</param>
    public static async Task<RawChat> ConnectAsync(
        IServer gateway,
        string conversation,
        string? subprotocol = null,
        string? origin = null,
        int? securePort = null
    )
    {
        var chat = new RawChat();
        if (origin is not null)
        {
            chat._socket.Options.SetRequestHeader("Origin", origin);
        }

        if (subprotocol is not null)
        {
            chat._socket.Options.AddSubProtocol(subprotocol);
        }

        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var server = securePort is null ? $"ws://127.0.0.1:{gateway.Port}" : $"wss://127.0.0.1:{securePort}";
        await chat._socket.ConnectAsync(new Uri($"{server}/chat/ws/{conversation}"), Handler, deadline.Token);
        return chat;
    }

    /// <summary>Connects and sends the auth frame, which version 1 does not answer.</summary>
    public static async Task<RawChat> OpenAsync(IServer gateway, Person person, Guid conversation)
    {
        var chat = await ConnectAsync(gateway, conversation.ToString());
        await chat.SendAsync(person.Auth);
        return chat;
    }

    public Task SendAsync(string frame) => SendBytesAsync(StrictUtf8.GetBytes(frame));

    public Task SendBytesAsync(ReadOnlyMemory<byte> bytes, WebSocketMessageType type = WebSocketMessageType.Text, bool endOfMessage = true) =>
        _socket.SendAsync(bytes, type, endOfMessage, CancellationToken.None).AsTask();

    /// <summary>Sends a message frame as the portal does.</summary>
    public Task SayAsync(string text) => SendAsync($$"""{"type":"message","text":{{PythonJson.Compact(text)}},"agentId":"{{Person.Agent}}"}""");

    /// <summary>The next frame, which must be text; null when the server closed instead.</summary>
    /// <exception cref="TimeoutException">Nothing came in time; the socket is of no use afterwards.</exception>
    public async Task<string?> ReceiveAsync(TimeSpan? within = null)
    {
        var limit = within ?? Until.Soon;
        using var deadline = new CancellationTokenSource(limit);
        _frame.SetLength(0);
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(_buffer.AsMemory(), deadline.Token);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return null;
                }

                Assert.Equal(WebSocketMessageType.Text, part.MessageType);
                _frame.Write(_buffer.AsSpan(0, part.Count));
                if (part.EndOfMessage)
                {
                    return StrictUtf8.GetString(_frame.GetBuffer().AsSpan(0, (int)_frame.Length));
                }
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new TimeoutException($"No frame came within {limit.TotalSeconds} s.");
        }
    }

    /// <summary>The next frame must be exactly this, byte for byte.</summary>
    public async Task ExpectAsync(string frame, TimeSpan? within = null) => Assert.Equal(frame, await ReceiveAsync(within));

    /// <summary>The next frame must be an error as version 1 knows it: <c>type</c> and a sentence, nothing else. Hands back the sentence.</summary>
    public async Task<string> ExpectErrorAsync(TimeSpan? within = null)
    {
        var frame = await ReceiveAsync(within);
        Assert.NotNull(frame);
        using var json = JsonDocument.Parse(frame);
        Assert.Equal(["type", "message"], json.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal("error", json.RootElement.GetProperty("type").GetString());
        var message = json.RootElement.GetProperty("message").GetString()!;
        Assert.NotEmpty(message);
        Assert.Equal(Frames.Error(message), frame);
        return message;
    }

    /// <summary>The server must close next, with this code.</summary>
    public async Task ExpectCloseAsync(int code, TimeSpan? within = null)
    {
        Assert.Null(await ReceiveAsync(within));
        Assert.Equal(code, CloseCode);
    }

    /// <summary>The frames from <c>typing</c> to <c>done</c> or <c>error</c>, both included.</summary>
    public async Task<Turn> ReceiveTurnAsync(TimeSpan? within = null)
    {
        var frames = new List<string>();
        while (true)
        {
            var frame =
                await ReceiveNextAsync(frames, within)
                ?? throw new InvalidOperationException($"Closed with {CloseCode} after:\n{string.Join('\n', frames)}");
            frames.Add(frame);
            if (Turn.Ends(frame))
            {
                return new Turn(frames);
            }
        }
    }

    /// <summary>Leaves as a browser does that closes a tab.</summary>
    public async Task CloseAsync()
    {
        using var deadline = new CancellationTokenSource(Until.Soon);
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token);
    }

    /// <summary>Leaves as a laptop does that is shut: without a word.</summary>
    public void Abort() => _socket.Abort();

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _frame.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string?> ReceiveNextAsync(List<string> before, TimeSpan? within)
    {
        try
        {
            return await ReceiveAsync(within);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message} Before it came {before.Count}, the last: {before.LastOrDefault()}", e);
        }
    }
}
