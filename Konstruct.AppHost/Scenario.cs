using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Konstruct.AppHost;

/// <summary>
/// One of the stub's scenarios as a person starts it from the dashboard: a message over the gateway's socket, as any client would send it, from the user
/// whom Development knows. docs/protocol.md lists them all.
/// </summary>
/// <param name="Name">The command's name.</param>
/// <param name="DisplayName">What the dashboard shows.</param>
/// <param name="Text">The message.</param>
internal sealed record Scenario(string Name, string DisplayName, string Text)
{
    /// <summary>Those that say something new about the pipeline, and end by themselves or can be watched while they do not.</summary>
    public static readonly IReadOnlyList<Scenario> All =
    [
        new("chat", "Chat: an answer at the pace of reading", "/stream"),
        new("burst", "Chat: 100 tokens at once", "/burst 100"),
        new("unicode", "Chat: text of every script", "/unicode"),
        new("fail", "Chat: the model fails after 5 tokens", "/fail 5"),
        new("silent", "Chat: no answer until the deadline", "/silent"),
    ];

    /// <summary>A turn that lasts longer goes on without being watched.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const string Tenant = "10000000-0000-4000-8000-000000000001";
    private const string User = "20000000-0000-4000-8000-000000000001";
    private const string Agent = "30000000-0000-4000-8000-000000000001";
    private const string Conversation = "40000000-0000-4000-8000-000000000001";

    /// <summary>Sends the message and waits for the end of its turn, at most ten seconds.</summary>
    /// <param name="gateway">The gateway's HTTP address.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether the message was accepted, and a sentence about what became of it.</returns>
    public async Task<(bool Accepted, string Sentence)> StartAsync(Uri gateway, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("konstruct.chat.v2");
        var isAccepted = false;
        try
        {
            var address = new UriBuilder(gateway) { Scheme = gateway.Scheme == "https" ? "wss" : "ws", Path = $"/chat/ws/{Conversation}" };
            await socket.ConnectAsync(address.Uri, either.Token);
            var messageId = Guid.NewGuid().ToString();
            await SendAsync(socket, new() { ["type"] = "auth", ["userId"] = User, ["tenantId"] = Tenant, ["role"] = "member" }, either.Token);
            await SendAsync(socket, new() { ["type"] = "message", ["text"] = Text, ["agentId"] = Agent, ["messageId"] = messageId }, either.Token);

            string? turnId = null;
            var chunks = 0;
            while (await ReceiveAsync(socket, either.Token) is { } frame)
            {
                var isOurs = turnId is not null && (string?)frame["turn_id"] == turnId;
                switch ((string?)frame["type"])
                {
                    case "typing" when (string?)frame["message_id"] == messageId:
                        (turnId, isAccepted) = ((string?)frame["turn_id"], true);
                        break;
                    case "chunk" when isOurs:
                        chunks++;
                        break;
                    case "done" when isOurs:
                        return (true, $"The turn {frame["reason"]} after {chunks} chunks.");
                    case "error" when isOurs || turnId is null:
                        return (isAccepted, (string?)frame["message"] ?? "The gateway refused the message.");
                }
            }

            return (isAccepted, $"The gateway closed the socket with {(int?)socket.CloseStatus}.");
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return isAccepted ? (true, "Accepted; the turn goes on without being watched.") : (false, "The gateway did not accept the message in ten seconds.");
        }
        catch (WebSocketException exception)
        {
            return (isAccepted, $"The gateway cannot be reached: {exception.Message}");
        }
    }

    private static ValueTask SendAsync(ClientWebSocket socket, JsonObject frame, CancellationToken cancellationToken) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(frame.ToJsonString()).AsMemory(), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);

    /// <summary>Null: the gateway closed.</summary>
    private static async Task<JsonNode?> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            whole.Write(buffer.AsSpan(0, part.Count));
            if (part.EndOfMessage)
            {
                return JsonNode.Parse(whole.ToArray());
            }
        }
    }
}
