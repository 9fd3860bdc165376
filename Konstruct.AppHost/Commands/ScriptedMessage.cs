using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Konstruct.AppHost.Commands;

/// <summary>A message over the gateway's socket, like any client's, from Development's user.</summary>
/// <param name="Text">The message.</param>
internal sealed record ScriptedMessage(string Text)
{
    /// <summary>A longer turn continues unobserved.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Sends the message and waits for the end of its turn, at most ten seconds.</summary>
    /// <param name="gateway">The gateway's HTTP address.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task<End> SendAsync(Uri gateway, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("konstruct.chat.v2");
        var isAccepted = false;
        var answer = new StringBuilder();
        try
        {
            var address = new UriBuilder(gateway)
            {
                Scheme = gateway.Scheme == "https" ? "wss" : "ws",
                Path = $"/chat/ws/{DevelopmentIds.Conversation}",
            };
            await socket.ConnectAsync(address.Uri, either.Token);
            var messageId = Guid.NewGuid().ToString();
            await SendAsync(
                socket,
                new()
                {
                    ["type"] = "auth",
                    ["userId"] = DevelopmentIds.User,
                    ["tenantId"] = DevelopmentIds.Tenant,
                    ["role"] = "member",
                },
                either.Token
            );
            await SendAsync(
                socket,
                new()
                {
                    ["type"] = "message",
                    ["text"] = Text,
                    ["agentId"] = DevelopmentIds.Agent,
                    ["messageId"] = messageId,
                },
                either.Token
            );

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
                        answer.Append((string?)frame["text"]);
                        break;
                    case "done" when isOurs:
                        return new(true, $"The turn {frame["reason"]} after {chunks} chunks.", (string?)frame["text"] ?? "");
                    case "error" when isOurs || turnId is null:
                        return new(isAccepted, (string?)frame["message"] ?? "The gateway refused the message.", answer.ToString());
                }
            }

            return new(isAccepted, $"The gateway closed the socket with {(int?)socket.CloseStatus}.", answer.ToString());
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return isAccepted
                ? new(true, "Accepted; the turn goes on without being watched.", answer.ToString())
                : new(false, "The gateway did not accept the message in ten seconds.", "");
        }
        catch (WebSocketException exception)
        {
            return new(isAccepted, $"The gateway cannot be reached: {exception.Message}", answer.ToString());
        }
    }

    private static ValueTask SendAsync(ClientWebSocket socket, JsonObject frame, CancellationToken cancellationToken) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(frame.ToJsonString()).AsMemory(), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);

    /// <summary>Null: the gateway closed the socket.</summary>
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

    /// <summary>Result of the message.</summary>
    /// <param name="IsAccepted">Whether the gateway has stored it.</param>
    /// <param name="Sentence">How its turn ended, or why it was refused.</param>
    /// <param name="Answer">The answer so far.</param>
    public readonly record struct End(bool IsAccepted, string Sentence, string Answer);
}
